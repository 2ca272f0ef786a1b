/* SPDX-License-Identifier: Apache-2.0 */
/* RP2040 and RP2350 (its Arm cores): crystal and PLL, UART0 on GP0 and GP1, the core's counter, the
   boot ROM's USB loader. RP2040 and RP2350 Datasheets: resets, clocks, XOSC, PLL, GPIO, bootrom.
   The board file names the blocks' addresses. */
#include "ek_board.h"
#include "ek_cortex_m.h"
#include "ek_pl011.h"
#include "ek_port.h"

#define RESETS_RESET_CLEAR EK_REG(EK_RESETS_BASE + 0x3000u) /* alias that clears bits */
#define RESETS_DONE EK_REG(EK_RESETS_BASE + 0x8u)
#define XOSC_CTRL EK_REG(EK_XOSC_BASE + 0x00u)
#define XOSC_STATUS EK_REG(EK_XOSC_BASE + 0x04u)
#define XOSC_STARTUP EK_REG(EK_XOSC_BASE + 0x0Cu)
#define CTRL_ENABLE_1_TO_15_MHZ 0xFABAA0u
#define STARTUP_DELAY 47u /* 1 ms of the 12 MHz crystal, in units of 256 cycles */
#define STATUS_STABLE (1u << 31)
#define PLL_CS EK_REG(EK_PLL_BASE + 0x0u)
#define PLL_PWR EK_REG(EK_PLL_BASE + 0x4u)
#define PLL_FBDIV EK_REG(EK_PLL_BASE + 0x8u)
#define PLL_PRIM EK_REG(EK_PLL_BASE + 0xCu)
#define CS_LOCK (1u << 31)
#define PWR_PD_AND_VCOPD 0x21u
#define PWR_POSTDIVPD 0x08u
#define CLK_REF_CTRL EK_REG(EK_CLOCKS_BASE + 0x30u)
#define CLK_REF_SELECTED EK_REG(EK_CLOCKS_BASE + 0x38u)
#define CLK_SYS_CTRL EK_REG(EK_CLOCKS_BASE + 0x3Cu)
#define CLK_SYS_SELECTED EK_REG(EK_CLOCKS_BASE + 0x44u)
#define CLK_PERI_CTRL EK_REG(EK_CLOCKS_BASE + 0x48u)
#define REF_FROM_XOSC 2u
#define SYS_FROM_PLL 1u /* SRC: the auxiliary multiplexer, whose 0 is PLL_SYS */
#define PERI_ENABLE (1u << 11)
#define GPIO_CTRL(pin) EK_REG(EK_IO_BASE + 8u * (pin) + 4u)
#define PADS(pin) EK_REG(EK_PADS_BASE + 4u * (pin) + 4u)
#define FUNCSEL_UART 2u
#define PAD_IN_PULLUP_4_MA 0x5Au /* input on, pulled up, Schmitt trigger; not isolated */

#define TX_PIN 0u
#define RX_PIN 1u

static void unreset(uint32_t blocks) {
  RESETS_RESET_CLEAR = blocks;
  while ((RESETS_DONE & blocks) != blocks) {
  }
}

static void clocks(void) {
  XOSC_STARTUP = STARTUP_DELAY;
  XOSC_CTRL = CTRL_ENABLE_1_TO_15_MHZ;
  while (!(XOSC_STATUS & STATUS_STABLE)) {
  }
  CLK_REF_CTRL = REF_FROM_XOSC;
  while (!(CLK_REF_SELECTED & (1u << REF_FROM_XOSC))) {
  }
  CLK_SYS_CTRL &= ~SYS_FROM_PLL; /* a debugger's restart comes with the PLL in use */
  while (!(CLK_SYS_SELECTED & 1u)) {
  }
  unreset(EK_RESETS_PLL);
  PLL_CS = 1; /* REFDIV */
  PLL_FBDIV = EK_PLL_FEEDBACK;
  PLL_PWR &= ~PWR_PD_AND_VCOPD;
  while (!(PLL_CS & CS_LOCK)) {
  }
  PLL_PRIM = (EK_PLL_POSTDIV1 << 16) | (EK_PLL_POSTDIV2 << 12);
  PLL_PWR &= ~PWR_POSTDIVPD;
  CLK_SYS_CTRL = SYS_FROM_PLL;
  while (!(CLK_SYS_SELECTED & (1u << SYS_FROM_PLL))) {
  }
  CLK_PERI_CTRL = PERI_ENABLE; /* from clk_sys */
}

void ek_port_init(void) {
  clocks();
  unreset(EK_RESETS_IO_PADS_UART);
  PADS(TX_PIN) = PAD_IN_PULLUP_4_MA;
  PADS(RX_PIN) = PAD_IN_PULLUP_4_MA;
  GPIO_CTRL(TX_PIN) = FUNCSEL_UART;
  GPIO_CTRL(RX_PIN) = FUNCSEL_UART;
  ek_pl011_start(EK_CLOCK_HZ, EK_BAUD);
  ek_cycles_start();
}
