/* SPDX-License-Identifier: Apache-2.0 */
/* STM32F405 and F446: RM0090 and RM0390: memory map, RCC, PWR and FLASH registers, and
   ST's stm32f446xx.h; system memory: AN2606. */
#ifndef EK_STM32_F4_H
#define EK_STM32_F4_H

#define EK_RCC_BASE 0x40023800u
#define EK_PWR_BASE 0x40007000u
#define EK_FLASH_BASE 0x40023C00u
#define EK_GPIO_BASE 0x40020000u
#define EK_GPIO_ENABLE 0x30u /* AHB1ENR */
#define EK_GPIO_ENABLE_SHIFT 0u
#define EK_USART_OLD 1
/* PRFTEN, ICEN, DCEN: prefetch and the two caches of the flash interface */
#define EK_FLASH_ACCELERATOR (7u << 8)
#define EK_SYSTEM_MEMORY_BASE 0x1FFF0000u
#if defined(EK_PLL_N)
#define EK_RESET_HZ 16000000u /* HSI */
#else
#define EK_RESET_HZ EK_CLOCK_HZ /* the emulator's clock is what it is */
#endif

#endif
