/* SPDX-License-Identifier: Apache-2.0 */
/* Caches of the Cortex-M7: Arm v7-M Architecture Reference Manual B3.2 (CCR, CCSIDR, CSSELR) and
   B2.2.7 (maintenance operations); Cortex-M7 TRM 5.2 for the form of set and way. */
#include "ek_cortex_m.h"

#define CCR EK_REG(0xE000ED14u)
#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)
#define CCSIDR EK_REG(0xE000ED80u)
#define CSSELR EK_REG(0xE000ED84u)
#define ICIALLU EK_REG(0xE000EF50u)
#define DCISW EK_REG(0xE000EF60u)

void ek_cortex_m7_caches(void) {
  ICIALLU = 0;
  CSSELR = 0; /* the data cache of level 1 */
  __asm volatile("dsb" ::: "memory");
  const uint32_t shape = CCSIDR;
  const uint32_t sets = ((shape >> 13) & 0x7FFFu) + 1u;
  const uint32_t ways = ((shape >> 3) & 0x3FFu) + 1u;
  for (uint32_t set = 0; set < sets; set++) {
    for (uint32_t way = 0; way < ways; way++) DCISW = (way << 30) | (set << 5);
  }
  __asm volatile("dsb" ::: "memory");
  CCR |= CCR_IC | CCR_DC;
  __asm volatile("dsb\n isb" ::: "memory");
}
