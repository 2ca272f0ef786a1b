/* SPDX-License-Identifier: Apache-2.0 */
/* nRF51 and nRF52: the UART without EasyDMA, which both have at the same address. nRF52840 Product
   Specification: UART, GPIO, CLOCK, NVMC, POWER chapters; nRF51 Series Reference Manual: UART,
   TIMER. The nRF52's counter is the core's; the nRF51's core has none, so its TIMER0 counts. */
#include "ek_board.h"
#include "ek_cortex_m.h"
#include "ek_port.h"

#define CLOCK_TASKS_HFCLKSTART EK_REG(0x40000000u)
#define CLOCK_EVENTS_HFCLKSTARTED EK_REG(0x40000100u)
#define POWER_GPREGRET EK_REG(0x4000051Cu)
#define NVMC_ICACHECNF EK_REG(0x4001E540u)
#define ICACHECNF_CACHEEN 1u

#define UART(offset) EK_REG(0x40002000u + (offset))
#define UART_TASKS_STARTRX UART(0x000u)
#define UART_TASKS_STARTTX UART(0x008u)
#define UART_EVENTS_RXDRDY UART(0x108u)
#define UART_EVENTS_TXDRDY UART(0x11Cu)
#define UART_INTENSET UART(0x304u)
#define UART_ERRORSRC UART(0x480u)
#define UART_ENABLE UART(0x500u)
#define UART_PSELTXD UART(0x50Cu)
#define UART_PSELRXD UART(0x514u)
#define UART_RXD UART(0x518u)
#define UART_TXD UART(0x51Cu)
#define UART_BAUDRATE UART(0x524u)
#define UART_CONFIG UART(0x56Cu)
#define INTEN_RXDRDY (1u << 2)
#define ENABLE_UART 4u
#define UART_IRQ 2u

/* Port 0 or 1, as PSEL has it: pin number, and the port in bit 5. */
#define GPIO(pin, offset) EK_REG(0x50000000u + 0x300u * ((pin) >> 5) + (offset))
#define GPIO_OUTSET(pin) GPIO(pin, 0x508u)
#define GPIO_PIN_CNF(pin) GPIO(pin, 0x700u + 4u * ((pin)&31u))
#define PIN_OUTPUT 3u         /* DIR output, input buffer off */
#define PIN_INPUT_PULLUP 0xCu /* DIR input, buffer on, pulled up */

#define STARTED_TRIES 1000000u

/* The product specifications list one value for each rate, a little off baud * 2^32 / 16 MHz: all
   but the top 20 bits are zero. */
#define BAUDRATE(baud) ((uint32_t)((((uint64_t)(baud) << 32) / 16000000u + 0x800u) & 0xFFFFF000u))

#if defined(EK_NRF_TIMER)
#define TIMER(offset) EK_REG(0x40008000u + (offset))
#define TIMER_TASKS_START TIMER(0x000u)
#define TIMER_TASKS_CLEAR TIMER(0x00Cu)
#define TIMER_TASKS_CAPTURE0 TIMER(0x040u)
#define TIMER_BITMODE TIMER(0x508u)
#define TIMER_PRESCALER TIMER(0x510u)
#define TIMER_CC0 TIMER(0x540u)
#define BITMODE_32 3u

static uint32_t last_low, high;

static void counter_start(void) {
  TIMER_BITMODE = BITMODE_32;
  TIMER_PRESCALER = 0; /* 16 MHz: wraps after 268 s, far longer than one invoke */
  TIMER_TASKS_CLEAR = 1;
  TIMER_TASKS_START = 1;
}

uint64_t ek_port_ticks(void) {
  TIMER_TASKS_CAPTURE0 = 1;
  const uint32_t low = TIMER_CC0;
  if (low < last_low) high++;
  last_low = low;
  return ((uint64_t)high << 32) + low;
}

uint32_t ek_port_ticks_hz(void) {
  return 16000000u;
}

const char *ek_port_counter_name(void) {
  return "timer0";
}
#else
static void counter_start(void) {
  NVMC_ICACHECNF = ICACHECNF_CACHEEN;
  ek_cycles_start();
}

uint64_t ek_port_ticks(void) {
  return ek_cycles();
}

uint32_t ek_port_ticks_hz(void) {
  return EK_CLOCK_HZ;
}

const char *ek_port_counter_name(void) {
  return ek_cycles_name();
}
#endif

void ek_port_init(void) {
  /* the crystal: the internal oscillator is off by more than a UART bears */
  CLOCK_EVENTS_HFCLKSTARTED = 0;
  CLOCK_TASKS_HFCLKSTART = 1;
  for (uint32_t i = 0; i < STARTED_TRIES && !CLOCK_EVENTS_HFCLKSTARTED; i++) {
  }
  GPIO_OUTSET(EK_TX_PIN) = 1u << (EK_TX_PIN & 31u);
  GPIO_PIN_CNF(EK_TX_PIN) = PIN_OUTPUT;
  GPIO_PIN_CNF(EK_RX_PIN) = PIN_INPUT_PULLUP;
  UART_PSELTXD = EK_TX_PIN;
  UART_PSELRXD = EK_RX_PIN;
  UART_BAUDRATE = BAUDRATE(EK_BAUD);
  UART_CONFIG = 0; /* 8N1, no flow control */
  UART_ENABLE = ENABLE_UART;
  UART_EVENTS_RXDRDY = 0;
  UART_EVENTS_TXDRDY = 0;
  UART_INTENSET = INTEN_RXDRDY;
  UART_TASKS_STARTTX = 1;
  UART_TASKS_STARTRX = 1;
  counter_start();
}

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  if (room == 0u) return 0;
  while (!UART_EVENTS_RXDRDY) ek_cortex_m_nap(UART_IRQ);
  UART_EVENTS_RXDRDY = 0; /* before RXD: reading it brings up the next byte of six */
  *data = (uint8_t)UART_RXD;
  UART_ERRORSRC = UART_ERRORSRC; /* an overrun shows as a damaged frame */
  return 1;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    UART_EVENTS_TXDRDY = 0;
    UART_TXD = data[i];
    while (!UART_EVENTS_TXDRDY) {
    }
  }
}

/* Each byte is waited for as it is written: nothing is on its way. */
void ek_port_set_baud(uint32_t baud) {
  UART_BAUDRATE = BAUDRATE(baud);
}

void ek_port_reset(void) {
  ek_cortex_m_reset();
}

/* The bootloaders of Arduino and Adafruit stay where this register tells them to. */
void ek_port_bootloader(void) {
#if defined(EK_BOOTLOADER_MARK)
  POWER_GPREGRET = EK_BOOTLOADER_MARK;
  ek_cortex_m_reset();
#endif
}

ek_stack ek_port_stack(void) {
  return ek_cortex_m_stack();
}
