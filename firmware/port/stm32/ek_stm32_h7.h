/* SPDX-License-Identifier: Apache-2.0 */
/* STM32H743: RM0433: memory map, RCC, PWR and FLASH registers, and ST's stm32h743xx.h; system
   memory: AN2606. */
#ifndef EK_STM32_H7_H
#define EK_STM32_H7_H

#define EK_RCC_BASE 0x58024400u
#define EK_PWR_BASE 0x58024800u
#define EK_FLASH_BASE 0x52002000u
#define EK_GPIO_BASE 0x58020000u
#define EK_GPIO_ENABLE 0xE0u /* AHB4ENR */
#define EK_GPIO_ENABLE_SHIFT 0u
#define EK_SYSTEM_MEMORY_BASE 0x1FF09800u
#define EK_RESET_HZ 64000000u /* HSI */
#define EK_CORTEX_M7 1

#endif
