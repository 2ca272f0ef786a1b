/* SPDX-License-Identifier: Apache-2.0 */
/* U5: MSIS (4 MHz as reset leaves it) through PLL1 to 160 MHz. RM0456: PWR, "dynamic
   voltage scaling" and EPOD booster; RCC, PLLs; flash, wait states; ICACHE. */
#include "ek_stm32.h"

#if defined(EK_STM32_U5)

#define RCC_CFGR1 RCC(0x1Cu)
#define RCC_PLL1CFGR RCC(0x28u)
#define RCC_PLL1DIVR RCC(0x34u)
#define RCC_AHB3ENR RCC(0x94u)
#define AHB3ENR_PWREN (1u << 2)
#define CFGR1_SW_PLL1 3u
#define CFGR1_SWS (3u << 2)
#define CFGR1_SWS_PLL1 (3u << 2)
#define PLL1CFGR_SRC_MSIS 1u
#define PLL1CFGR_REN (1u << 18)
#define PWR_VOSR PWR(0x0Cu)
#define VOSR_BOOSTRDY (1u << 14)
#define VOSR_VOSRDY (1u << 15)
#define VOSR_VOS_RANGE_1 (3u << 16)
#define VOSR_BOOSTEN (1u << 18)
#define ACR_PRFTEN (1u << 8)
#define ICACHE_CR EK_REG(EK_ICACHE_BASE)
#define ICACHE_EN 1u

int ek_stm32_clock(void) {
  RCC_AHB3ENR |= AHB3ENR_PWREN;
  (void)RCC_AHB3ENR;
  PWR_VOSR |= VOSR_VOS_RANGE_1;
  if (!ek_stm32_await(&PWR_VOSR, VOSR_VOSRDY, VOSR_VOSRDY)) return 0;
  /* M and MBOOST divide by 1, R by 1, P and Q by 2; an input of 4 MHz is range 00 */
  RCC_PLL1CFGR = PLL1CFGR_SRC_MSIS | PLL1CFGR_REN;
  RCC_PLL1DIVR = (EK_PLL_N - 1u) | (1u << 9) | (1u << 16) | ((EK_PLL_R - 1u) << 24);
  PWR_VOSR |= VOSR_BOOSTEN;
  if (!ek_stm32_await(&PWR_VOSR, VOSR_BOOSTRDY, VOSR_BOOSTRDY)) return 0;
  RCC_CR |= RCC_CR_PLLON;
  if (!ek_stm32_await(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) return 0;
  FLASH_ACR = ACR_PRFTEN | EK_FLASH_WAIT_STATES;
  if (!ek_stm32_await(&FLASH_ACR, 0xFu, EK_FLASH_WAIT_STATES)) return 0;
  RCC_CFGR1 = CFGR1_SW_PLL1;
  if (!ek_stm32_await(&RCC_CFGR1, CFGR1_SWS, CFGR1_SWS_PLL1)) return 0;
  ICACHE_CR |= ICACHE_EN;
  return 1;
}

#endif
