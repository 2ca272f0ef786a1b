/* SPDX-License-Identifier: Apache-2.0 */
/* H7: HSE through PLL1, at the voltage scale that every revision of the chip has. RM0433:
   PWR, "system supply startup" and voltage scaling; RCC, PLLs; flash, wait states. */
#include "ek_stm32.h"

#if defined(EK_STM32_H7)

#define RCC_CFGR RCC(0x10u)
#define RCC_D1CFGR RCC(0x18u)
#define RCC_D2CFGR RCC(0x1Cu)
#define RCC_D3CFGR RCC(0x20u)
#define RCC_PLLCKSELR RCC(0x28u)
#define RCC_PLLCFGR RCC(0x2Cu)
#define RCC_PLL1DIVR RCC(0x30u)
#define CFGR_SW_PLL1 3u
#define CFGR_SWS (7u << 3)
#define CFGR_SWS_PLL1 (3u << 3)
#define PLLCKSELR_SRC_HSE 2u
#define PLLCFGR_PLL1RGE_4_TO_8_MHZ (2u << 2)
#define PLLCFGR_DIVP1EN (1u << 16)
#define D1CFGR_HPRE_DIV2 8u
#define D1CFGR_D1PPRE_DIV2 (4u << 4)
#define D2CFGR_BOTH_DIV2 ((4u << 4) | (4u << 8))
#define D3CFGR_D3PPRE_DIV2 (4u << 4)
#define PWR_CSR1 PWR(0x04u)
#define PWR_CR3 PWR(0x0Cu)
#define PWR_D3CR PWR(0x18u)
#define CSR1_ACTVOSRDY (1u << 13)
#define CR3_SUPPLY 7u /* SCUEN, LDOEN, BYPASS */
#define CR3_LDOEN 2u
#define D3CR_VOSRDY (1u << 13)
#define D3CR_VOS_SCALE_1 (3u << 14)

static int full_voltage(void) {
  /* written once after power-up, or the voltage scale cannot change */
  PWR_CR3 = (PWR_CR3 & ~CR3_SUPPLY) | CR3_LDOEN;
  if (!ek_stm32_await(&PWR_CSR1, CSR1_ACTVOSRDY, CSR1_ACTVOSRDY)) return 0;
  PWR_D3CR |= D3CR_VOS_SCALE_1;
  return ek_stm32_await(&PWR_D3CR, D3CR_VOSRDY, D3CR_VOSRDY);
}

int ek_stm32_clock(void) {
  if (!full_voltage()) return 0;
  RCC_CR |= EK_HSE_BYPASS ? RCC_CR_HSEBYP : 0u;
  RCC_CR |= RCC_CR_HSEON;
  if (!ek_stm32_await(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY)) return 0;
  RCC_PLLCKSELR = PLLCKSELR_SRC_HSE | (EK_PLL_M << 4);
  RCC_PLLCFGR = PLLCFGR_PLL1RGE_4_TO_8_MHZ | PLLCFGR_DIVP1EN;           /* the wide oscillator */
  RCC_PLL1DIVR = (EK_PLL_N - 1u) | (1u << 9) | (1u << 16) | (1u << 24); /* P, Q and R: by 2 */
  RCC_CR |= RCC_CR_PLLON;
  if (!ek_stm32_await(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) return 0;
  /* WRHIGHFREQ has the number of the wait states */
  FLASH_ACR = EK_FLASH_WAIT_STATES | (EK_FLASH_WAIT_STATES << 4);
  if (!ek_stm32_await(&FLASH_ACR, 0xFu, EK_FLASH_WAIT_STATES)) return 0;
  RCC_D1CFGR = D1CFGR_HPRE_DIV2 | D1CFGR_D1PPRE_DIV2;
  RCC_D2CFGR = D2CFGR_BOTH_DIV2;
  RCC_D3CFGR = D3CFGR_D3PPRE_DIV2;
  RCC_CFGR = CFGR_SW_PLL1;
  return ek_stm32_await(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL1);
}

#endif
