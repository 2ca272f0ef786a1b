/* SPDX-License-Identifier: Apache-2.0 */
/* STM32L4R5: RM0432: memory map, RCC, PWR and FLASH registers, and ST's stm32l4r5xx.h; system
   memory: AN2606. */
#ifndef EK_STM32_L4_H
#define EK_STM32_L4_H

#define EK_RCC_BASE 0x40021000u
#define EK_PWR_BASE 0x40007000u
#define EK_FLASH_BASE 0x40022000u
#define EK_GPIO_BASE 0x48000000u
#define EK_GPIO_ENABLE 0x4Cu /* AHB2ENR */
#define EK_GPIO_ENABLE_SHIFT 0u
#define EK_SYSTEM_MEMORY_BASE 0x1FFF0000u
#define EK_RESET_HZ 4000000u /* MSI */

#endif
