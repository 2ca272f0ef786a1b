/* SPDX-License-Identifier: Apache-2.0 */
/* STM32U575 with TrustZone off: RM0456: memory map, RCC, PWR, FLASH and ICACHE registers, and
   ST's stm32u575xx.h; system memory: AN2606. */
#ifndef EK_STM32_U5_H
#define EK_STM32_U5_H

#define EK_RCC_BASE 0x46020C00u
#define EK_PWR_BASE 0x46020800u
#define EK_FLASH_BASE 0x40022000u
#define EK_ICACHE_BASE 0x40030400u
#define EK_GPIO_BASE 0x42020000u
#define EK_GPIO_ENABLE 0x8Cu /* AHB2ENR1 */
#define EK_GPIO_ENABLE_SHIFT 0u
#define EK_SYSTEM_MEMORY_BASE 0x0BF90000u
#define EK_RESET_HZ 4000000u /* MSIS */

#endif
