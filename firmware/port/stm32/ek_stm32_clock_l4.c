/* SPDX-License-Identifier: Apache-2.0 */
/* L4+: HSI16 (within 1 % over the room's temperatures) through the PLL to 120 MHz. RM0432: RCC
   registers; PWR, "dynamic voltage scaling", range 1 boost mode; flash, wait states. */
#include "ek_stm32.h"

#if defined(EK_STM32_L4)

#define RCC_CFGR RCC(0x08u)
#define RCC_PLLCFGR RCC(0x0Cu)
#define RCC_APB1ENR1 RCC(0x58u)
#define APB1ENR1_PWREN (1u << 28)
#define CR_HSION (1u << 8)
#define CR_HSIRDY (1u << 10)
#define PLLCFGR_SRC_HSI 2u
#define PLLCFGR_REN (1u << 24)
#define CFGR_HPRE_DIV2 (8u << 4)
#define CFGR_HPRE (0xFu << 4)
#define CFGR_SW_PLL 3u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (3u << 2)
#define PWR_CR2 PWR(0x04u)
#define PWR_CR5 PWR(0x80u)
#define CR2_IOSV (1u << 9)
#define CR5_R1MODE (1u << 8)
/* PRFTEN, ICEN, DCEN */
#define ACR_ACCELERATOR (7u << 8)

int ek_stm32_clock(void) {
  RCC_APB1ENR1 |= APB1ENR1_PWREN;
  (void)RCC_APB1ENR1;
  PWR_CR2 |= CR2_IOSV; /* port G's pins 2 to 15 have a supply of their own, which is there */
  RCC_CR |= CR_HSION;
  if (!ek_stm32_await(&RCC_CR, CR_HSIRDY, CR_HSIRDY)) return 0;
  PWR_CR5 &= ~CR5_R1MODE; /* boost: above 80 MHz */
  FLASH_ACR = ACR_ACCELERATOR | EK_FLASH_WAIT_STATES;
  if (!ek_stm32_await(&FLASH_ACR, 0xFu, EK_FLASH_WAIT_STATES)) return 0;
  RCC_PLLCFGR = PLLCFGR_SRC_HSI | ((EK_PLL_M - 1u) << 4) | (EK_PLL_N << 8) | PLLCFGR_REN;
  RCC_CR |= RCC_CR_PLLON;
  if (!ek_stm32_await(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) return 0;
  /* by way of half the speed, for a microsecond: RCC, "system clock selection" */
  RCC_CFGR = CFGR_HPRE_DIV2 | CFGR_SW_PLL;
  if (!ek_stm32_await(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL)) return 0;
  for (volatile uint32_t i = 0; i < 100u; i++) {
  }
  RCC_CFGR &= ~CFGR_HPRE;
  return 1;
}

#endif
