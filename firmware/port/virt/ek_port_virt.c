/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's RISC-V machine "virt": hw/riscv/virt.c (memory map, interrupt numbers); UART: 16550 data
   sheet, register descriptions; PLIC: RISC-V Platform-Level Interrupt Controller Specification,
   "memory map"; counter: Privileged Architecture 1.12, 3.1.10 (mcycle); test device: QEMU
   hw/misc/sifive_test.c. */
#include "ek_board.h"
#include "ek_port.h"

#define BYTE(address) (*(volatile uint8_t *)(uintptr_t)(address))
#define WORD(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define UART_RBR_THR BYTE(EK_UART_BASE + 0u)
#define UART_IER BYTE(EK_UART_BASE + 1u)
#define UART_FCR BYTE(EK_UART_BASE + 2u)
#define UART_LCR BYTE(EK_UART_BASE + 3u)
#define UART_LSR BYTE(EK_UART_BASE + 5u)
#define IER_RX_READY 1u
#define FCR_FIFO_CLEARED 7u
#define LCR_8N1 3u
#define LSR_RX_READY 1u
#define LSR_TX_ROOM (1u << 5)
#define LSR_TX_IDLE (1u << 6)

#define PLIC_PRIORITY WORD(EK_PLIC_BASE + 4u * EK_UART_IRQ)
#define PLIC_ENABLE WORD(EK_PLIC_BASE + 0x2000u) /* of hart 0 in machine mode */
#define PLIC_THRESHOLD WORD(EK_PLIC_BASE + 0x200000u)
#define PLIC_CLAIM WORD(EK_PLIC_BASE + 0x200004u)
#define MIE_MEIE (1u << 11)

#define TEST_DEVICE WORD(EK_TEST_BASE)
#define TEST_RESET 0x7777u

/* What came before the FIFO was on: switching it on clears the holding register (data sheet, FCR).
 */
static uint8_t early_byte;
static uint32_t early_bytes;

void ek_port_init(void) {
  UART_IER = 0;
  UART_LCR = LCR_8N1; /* the emulated line has no rate */
  early_bytes = UART_LSR & LSR_RX_READY;
  if (early_bytes > 0u) early_byte = UART_RBR_THR;
  UART_FCR = FCR_FIFO_CLEARED;
  UART_IER = IER_RX_READY;
  PLIC_PRIORITY = 1;
  PLIC_THRESHOLD = 0;
  PLIC_ENABLE = 1u << EK_UART_IRQ;
  __asm volatile("csrs mie, %0" ::"r"(MIE_MEIE));
  __asm volatile("csrw mcountinhibit, zero");
}

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  if (room == 0u) return 0;
  if (early_bytes > 0u) {
    *data = early_byte;
    return early_bytes--;
  }
  while (!(UART_LSR & LSR_RX_READY)) __asm volatile("wfi" ::: "memory");
  *data = UART_RBR_THR;
  PLIC_CLAIM = PLIC_CLAIM; /* claimed and done: it comes again while there is more */
  return 1;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    while (!(UART_LSR & LSR_TX_ROOM)) {
    }
    UART_RBR_THR = data[i];
  }
}

/* The emulated line has no rate. */
void ek_port_set_baud(uint32_t baud) {
  (void)baud;
}

/* Both halves as of one moment. */
uint64_t ek_port_ticks(void) {
  uint32_t high, low, again;
  do {
    __asm volatile("csrr %0, mcycleh" : "=r"(high));
    __asm volatile("csrr %0, mcycle" : "=r"(low));
    __asm volatile("csrr %0, mcycleh" : "=r"(again));
  } while (high != again);
  return ((uint64_t)high << 32) + low;
}

uint32_t ek_port_ticks_hz(void) {
  return EK_CLOCK_HZ;
}

const char *ek_port_counter_name(void) {
  return "mcycle";
}

void ek_port_reset(void) {
  while (!(UART_LSR & LSR_TX_IDLE)) {
  }
  TEST_DEVICE = TEST_RESET;
  for (;;) {
  }
}

void ek_port_bootloader(void) {}
