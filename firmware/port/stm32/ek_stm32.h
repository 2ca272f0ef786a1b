/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the family have in common. One of EK_STM32_F1, F4, F7, L4, H7, U5 is defined
   by the board file and names the part's header. */
#ifndef EK_STM32_H
#define EK_STM32_H

#include "ek_board.h"
#include "ek_cortex_m.h"

#if defined(EK_STM32_F1)
#include "ek_stm32_f1.h"
#elif defined(EK_STM32_F4)
#include "ek_stm32_f4.h"
#elif defined(EK_STM32_F7)
#include "ek_stm32_f7.h"
#elif defined(EK_STM32_L4)
#include "ek_stm32_l4.h"
#elif defined(EK_STM32_H7)
#include "ek_stm32_h7.h"
#elif defined(EK_STM32_U5)
#include "ek_stm32_u5.h"
#else
#error "the board file defines none of EK_STM32_F1, F4, F7, L4, H7, U5"
#endif

#define RCC(offset) EK_REG(EK_RCC_BASE + (offset))
#define PWR(offset) EK_REG(EK_PWR_BASE + (offset))
#define FLASH_ACR EK_REG(EK_FLASH_BASE)
#define RCC_CR RCC(0x00u)

/* Bits of RCC_CR that are the same in all parts. */
#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define RCC_CR_HSEBYP (1u << 18)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)

/* Brings the core to EK_CLOCK_HZ. Returns 0 where an oscillator or a regulator did not get ready:
   the chip then runs on as reset left it, at EK_RESET_HZ. */
int ek_stm32_clock(void);

/* Waits until all of `bits` are set in `*reg`, for a time that no healthy chip needs. */
static inline int ek_stm32_await(volatile uint32_t *reg, uint32_t mask, uint32_t value) {
  for (uint32_t i = 0; i < 1000000u; i++) {
    if ((*reg & mask) == value) return 1;
  }
  return 0;
}

#endif
