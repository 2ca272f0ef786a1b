/* SPDX-License-Identifier: Apache-2.0 */
/* LM3S6965 (Stellaris): data sheet: system control, GPIO and UART chapters (a PL011). */
#include "ek_board.h"
#include "ek_cortex_m.h"
#include "ek_pl011.h"
#include "ek_port.h"

#define SYSCTL(offset) EK_REG(0x400FE000u + (offset))
#define SYSCTL_RIS SYSCTL(0x050u)
#define SYSCTL_RCC SYSCTL(0x060u)
#define SYSCTL_RCGC1 SYSCTL(0x104u)
#define SYSCTL_RCGC2 SYSCTL(0x108u)
#define RIS_PLLL (1u << 6)
#define RCC_MOSCDIS (1u << 0)
#define RCC_OSCSRC (3u << 4)
#define RCC_XTAL (0xFu << 6)
#define RCC_XTAL_8_MHZ (0xEu << 6)
#define RCC_BYPASS (1u << 11)
#define RCC_PWRDN (1u << 13)
#define RCC_USESYSDIV (1u << 22)
#define RCC_SYSDIV (0xFu << 23)
#define RCC_SYSDIV_4 (3u << 23) /* 200 MHz / 4 */
#define RCGC1_UART0 1u
#define RCGC2_GPIOA 1u

#define GPIOA_AFSEL EK_REG(0x40004420u)
#define GPIOA_DEN EK_REG(0x4000451Cu)
#define PINS_0_AND_1 3u

#define LOCK_TRIES 1000000u

/* "Initialization and configuration": off the PLL, crystal and divider set, the PLL locked, back
 * onto it. */
static void clock_50_mhz(void) {
  uint32_t rcc = (SYSCTL_RCC | RCC_BYPASS) & ~RCC_USESYSDIV;
  SYSCTL_RCC = rcc;
  rcc &= ~(RCC_MOSCDIS | RCC_OSCSRC | RCC_XTAL | RCC_PWRDN);
  rcc |= RCC_XTAL_8_MHZ;
  SYSCTL_RCC = rcc;
  rcc = (rcc & ~RCC_SYSDIV) | RCC_SYSDIV_4 | RCC_USESYSDIV;
  SYSCTL_RCC = rcc;
  for (uint32_t i = 0; i < LOCK_TRIES && !(SYSCTL_RIS & RIS_PLLL); i++) {
  }
  SYSCTL_RCC = rcc & ~RCC_BYPASS;
}

void ek_port_init(void) {
  clock_50_mhz();
  SYSCTL_RCGC1 |= RCGC1_UART0;
  SYSCTL_RCGC2 |= RCGC2_GPIOA;
  (void)SYSCTL_RCGC2;
  GPIOA_AFSEL |= PINS_0_AND_1;
  GPIOA_DEN |= PINS_0_AND_1;
  ek_pl011_start(EK_CLOCK_HZ, EK_BAUD);
  ek_cycles_start();
}

void ek_port_bootloader(void) {}
