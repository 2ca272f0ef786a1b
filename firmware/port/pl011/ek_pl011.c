/* SPDX-License-Identifier: Apache-2.0 */
/* Registers: PL011 TRM (DDI 0183), chapter 3 "Programmers model". */
#include "ek_pl011.h"

#include "ek_board.h"
#include "ek_cortex_m.h"

#define UARTDR EK_REG(EK_UART_BASE + 0x000u)
#define UARTFR EK_REG(EK_UART_BASE + 0x018u)
#define UARTIBRD EK_REG(EK_UART_BASE + 0x024u)
#define UARTFBRD EK_REG(EK_UART_BASE + 0x028u)
#define UARTLCR_H EK_REG(EK_UART_BASE + 0x02Cu)
#define UARTCR EK_REG(EK_UART_BASE + 0x030u)
#define UARTIFLS EK_REG(EK_UART_BASE + 0x034u)
#define UARTIMSC EK_REG(EK_UART_BASE + 0x038u)
#define UARTICR EK_REG(EK_UART_BASE + 0x044u)
#define FR_BUSY (1u << 3)
#define FR_RXFE (1u << 4)
#define FR_TXFF (1u << 5)
#define LCR_8_BITS_FIFO 0x70u
#define CR_UARTEN_TXE_RXE 0x301u
#define RX_AND_TIMEOUT 0x50u /* RXIM and RTIM: enough bytes, or a rest of them */
#define ALL_INTERRUPTS 0x7FFu

void ek_pl011_start(uint32_t clock_hz, uint32_t baud) {
  /* the divider clock / (16 * baud) in 64ths, rounded */
  const uint32_t divider = (clock_hz * 4u + baud / 2u) / baud;
  UARTCR = 0;
  UARTIBRD = divider >> 6;
  UARTFBRD = divider & 63u;
  UARTLCR_H = LCR_8_BITS_FIFO;
  UARTIFLS = 0; /* wakes at an eighth full: the rest of the FIFO is time to wake up in */
  UARTICR = ALL_INTERRUPTS;
  UARTIMSC = RX_AND_TIMEOUT;
  UARTCR = CR_UARTEN_TXE_RXE;
}

uint8_t ek_pl011_read(void) {
  while (UARTFR & FR_RXFE) ek_cortex_m_nap(EK_UART_IRQ);
  return (uint8_t)UARTDR;
}

void ek_pl011_write(const uint8_t *data, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    while (UARTFR & FR_TXFF) {
    }
    UARTDR = data[i];
  }
}

void ek_pl011_drain(void) {
  while (UARTFR & FR_BUSY) {
  }
}
