/* SPDX-License-Identifier: Apache-2.0 */
/* F4 and F7: HSE through the PLL, with over-drive. RM0390 and RM0385: PWR, "entering
   over-drive mode", RCC registers; embedded flash, "number of wait states". */
#include "ek_stm32.h"

#if (defined(EK_STM32_F4) || defined(EK_STM32_F7)) && defined(EK_PLL_N)

#define RCC_PLLCFGR RCC(0x04u)
#define RCC_CFGR RCC(0x08u)
#define RCC_APB1ENR RCC(0x40u)
#define APB1ENR_PWREN (1u << 28)
#define PWR_CR PWR(0x00u)
#define PWR_CSR PWR(0x04u)
#define CR_VOS_SCALE_1 (3u << 14)
#define CR_ODEN (1u << 16)
#define CR_ODSWEN (1u << 17)
#define CSR_ODRDY (1u << 16)
#define CSR_ODSWRDY (1u << 17)
#define PLLCFGR_SRC_HSE (1u << 22)
#define CFGR_PPRE1_DIV4 (5u << 10)
#define CFGR_PPRE2_DIV2 (4u << 13)
#define CFGR_SW_PLL 2u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (2u << 2)

static int overdrive(void) {
  PWR_CR |= CR_ODEN;
  if (!ek_stm32_await(&PWR_CSR, CSR_ODRDY, CSR_ODRDY)) return 0;
  PWR_CR |= CR_ODSWEN;
  return ek_stm32_await(&PWR_CSR, CSR_ODSWRDY, CSR_ODSWRDY);
}

int ek_stm32_clock(void) {
  RCC_APB1ENR |= APB1ENR_PWREN;
  (void)RCC_APB1ENR; /* the clock needs two cycles to arrive */
  PWR_CR |= CR_VOS_SCALE_1;
  RCC_CR |= EK_HSE_BYPASS ? RCC_CR_HSEBYP : 0u;
  RCC_CR |= RCC_CR_HSEON;
  if (!ek_stm32_await(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY)) return 0;
  /* P divides by 2 (0 in its field); Q, for USB, is set to a value that may be, and not used */
  RCC_PLLCFGR = PLLCFGR_SRC_HSE | (9u << 24) | (EK_PLL_N << 6) | EK_PLL_M
#if defined(EK_STM32_F4)
                | (2u << 28) /* R, which the F446 has: its smallest */
#endif
      ;
  RCC_CR |= RCC_CR_PLLON;
  if (!ek_stm32_await(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) return 0;
  if (!overdrive()) return 0;
  FLASH_ACR = EK_FLASH_ACCELERATOR | EK_FLASH_WAIT_STATES;
  if (!ek_stm32_await(&FLASH_ACR, 0xFu, EK_FLASH_WAIT_STATES)) return 0;
  RCC_CFGR = CFGR_PPRE1_DIV4 | CFGR_PPRE2_DIV2;
  RCC_CFGR |= CFGR_SW_PLL;
  return ek_stm32_await(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL);
}

#elif defined(EK_STM32_F1) || defined(EK_STM32_F4)

int ek_stm32_clock(void) {
  return 1; /* the board file says that the clock stays as it is */
}

#endif
