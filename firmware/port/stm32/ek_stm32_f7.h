/* SPDX-License-Identifier: Apache-2.0 */
/* STM32F746: RM0385: memory map, RCC, PWR and FLASH registers, and ST's stm32f746xx.h; system
   memory: AN2606. */
#ifndef EK_STM32_F7_H
#define EK_STM32_F7_H

#define EK_RCC_BASE 0x40023800u
#define EK_PWR_BASE 0x40007000u
#define EK_FLASH_BASE 0x40023C00u
#define EK_GPIO_BASE 0x40020000u
#define EK_GPIO_ENABLE 0x30u /* AHB1ENR */
#define EK_GPIO_ENABLE_SHIFT 0u
/* PRFTEN: prefetch; the core's own caches do the rest on the AXI side */
#define EK_FLASH_ACCELERATOR (1u << 8)
#define EK_SYSTEM_MEMORY_BASE 0x1FF00000u
#define EK_RESET_HZ 16000000u /* HSI */
#define EK_CORTEX_M7 1

#endif
