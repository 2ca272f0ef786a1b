/* SPDX-License-Identifier: Apache-2.0 */
/* STM32F100: RM0041: memory map, RCC and GPIO registers; system memory: AN2606. */
#ifndef EK_STM32_F1_H
#define EK_STM32_F1_H

#define EK_RCC_BASE 0x40021000u
#define EK_GPIO_BASE 0x40010800u
#define EK_GPIO_ENABLE 0x18u /* APB2ENR: AFIOEN is bit 0, port A bit 2 */
#define EK_GPIO_ENABLE_SHIFT 2u
#define EK_GPIO_OLD 1
#define EK_USART_OLD 1
#define EK_SYSTEM_MEMORY_BASE 0x1FFFF000u
#define EK_RESET_HZ EK_CLOCK_HZ /* runs as reset leaves it: on HSI, or on what the emulator has */

#endif
