/* SPDX-License-Identifier: Apache-2.0 */
/* Arm MPS2 and MPS3 FPGA boards, as QEMU's mps2-an385/386/500/505 and mps3-an547 model them.
   UART: Cortex-M System Design Kit TRM (DDI 0479), "UART programmers model".
   Counter: FPGA system control and I/O block of the application notes (DAI 0385 and later). */
#include "ek_board.h"
#include "ek_cortex_m.h"
#include "ek_port.h"

#define UART_DATA EK_REG(EK_UART_BASE + 0x00u)
#define UART_STATE EK_REG(EK_UART_BASE + 0x04u)
#define UART_CTRL EK_REG(EK_UART_BASE + 0x08u)
#define UART_INTCLEAR EK_REG(EK_UART_BASE + 0x0Cu)
#define UART_BAUDDIV EK_REG(EK_UART_BASE + 0x10u)
#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX_ENABLE 1u
#define CTRL_RX_ENABLE 2u
#define CTRL_RX_INTERRUPT 8u
#define INT_RX 2u

#define FPGAIO_CLK100HZ EK_REG(EK_FPGAIO_BASE + 0x14u)
#define FPGAIO_COUNTER EK_REG(EK_FPGAIO_BASE + 0x18u)
#define FPGAIO_PRESCALE EK_REG(EK_FPGAIO_BASE + 0x1Cu)

/* The register that is seen to empty stands before a shift register, which takes ten bits more:
   UART state has no mark for it. The wait is long enough for any rate from 9600 up. */
static void drain(void) {
  while (UART_STATE & STATE_TX_FULL) {
  }
  const uint32_t start = FPGAIO_COUNTER;
  while (FPGAIO_COUNTER - start < EK_COUNTER_HZ / 800u) {
  }
}

void ek_port_set_baud(uint32_t baud) {
  if (UART_CTRL & CTRL_TX_ENABLE) drain();
  UART_CTRL = 0;
  UART_BAUDDIV = EK_COUNTER_HZ / baud; /* the UART runs from the counter's clock */
  UART_CTRL = CTRL_TX_ENABLE | CTRL_RX_ENABLE | CTRL_RX_INTERRUPT;
}

void ek_port_init(void) {
  ek_port_set_baud(EK_BAUD);
  ek_cortex_m_enable_wake(EK_UART_RX_IRQ);
  FPGAIO_PRESCALE = 0; /* counts every clock */
  FPGAIO_COUNTER = 0;
  FPGAIO_CLK100HZ = 0;
}

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  if (room == 0u) return 0;
  while (!(UART_STATE & STATE_RX_FULL)) ek_cortex_m_sleep();
  /* The buffer holds one byte: no other can come, and no mark get lost, until it is read. */
  UART_INTCLEAR = INT_RX;
  ek_cortex_m_clear_wake(EK_UART_RX_IRQ);
  *data = (uint8_t)UART_DATA;
  return 1;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    while (UART_STATE & STATE_TX_FULL) {
    }
    UART_DATA = data[i];
  }
}

/* The counter has 32 bits and wraps within minutes; the 100 Hz counter, which wraps after 497
   days, tells how often it has: their difference is far below half a wrap. */
uint64_t ek_port_ticks(void) {
  const uint32_t low = FPGAIO_COUNTER;
  const uint64_t coarse = (uint64_t)FPGAIO_CLK100HZ * (EK_COUNTER_HZ / 100u);
  const uint64_t wraps = (coarse - low + 0x80000000u) >> 32;
  return (wraps << 32) + low;
}

uint32_t ek_port_ticks_hz(void) {
  return EK_COUNTER_HZ;
}

const char *ek_port_counter_name(void) {
  return "fpgaio-counter";
}

void ek_port_reset(void) {
  ek_cortex_m_reset();
}

void ek_port_bootloader(void) {}

ek_stack ek_port_stack(void) {
  return ek_cortex_m_stack();
}
