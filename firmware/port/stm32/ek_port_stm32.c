/* SPDX-License-Identifier: Apache-2.0 */
/* STM32 of the families F1 to U5: one USART, the core's counter, ST's loader in system memory.
   USART: RM0390 (the old form: SR, DR) and RM0433 (ISR, RDR, TDR; an LPUART is the same but for
   its divider), "USART registers". GPIO: RM0390, and RM0041 for the F1, "GPIO registers". Loader:
   AN2606. */
#include "ek_port.h"

#include "ek_stm32.h"

#define USART(offset) EK_REG(EK_USART_BASE + (offset))
#define SR_ORE (1u << 3)
#define SR_RXNE (1u << 5)
#define SR_TC (1u << 6)
#define SR_TXE (1u << 7)
#if defined(EK_USART_OLD)
#define USART_STATE USART(0x00u)
#define USART_RDR USART(0x04u)
#define USART_TDR USART(0x04u)
#define USART_BRR USART(0x08u)
#define USART_CR1 USART(0x0Cu)
#define CR1_UE (1u << 13)
#else
#define USART_CR1 USART(0x00u)
#define USART_BRR USART(0x0Cu)
#define USART_STATE USART(0x1Cu)
#define USART_ICR USART(0x20u)
#define USART_RDR USART(0x24u)
#define USART_TDR USART(0x28u)
#define CR1_UE 1u
#endif
#define CR1_RE (1u << 2)
#define CR1_TE (1u << 3)
#define CR1_RXNEIE (1u << 5)
#if defined(EK_USART_IS_LPUART)
#define CLOCKS_PER_STEP 256u /* RM0432, LPUART baud rate: the divider is in 256ths */
#else
#define CLOCKS_PER_STEP 1u
#endif

#define GPIO(port, offset) EK_REG(EK_GPIO_BASE + 0x400u * (port) + (offset))

#define SCB_VTOR 0xE000ED08u
#define LOADER_WANTED 0x45444B54u /* in RAM over a reset: start ST's loader instead of us */
__attribute__((section(".noinit"))) static volatile uint32_t next_start;

static uint32_t core_hz;
static uint32_t usart_hz;

#if defined(EK_GPIO_OLD)
/* Alternate function, push-pull, 2 MHz; an input floats, as reset leaves it. */
static void tx_pin(void) {
  const uint32_t at = 4u * (EK_TX_PIN % 8u);
  volatile uint32_t *cr = &GPIO(EK_TX_PORT, EK_TX_PIN < 8u ? 0x00u : 0x04u);
  *cr = (*cr & ~(0xFu << at)) | (0xAu << at);
}
static void rx_pin(void) {}
#else
static void alternate(uint32_t port, uint32_t pin, uint32_t function) {
  volatile uint32_t *moder = &GPIO(port, 0x00u);
  volatile uint32_t *pupdr = &GPIO(port, 0x0Cu);
  volatile uint32_t *afr = &GPIO(port, 0x20u + 4u * (pin / 8u));
  const uint32_t at = 4u * (pin % 8u);
  *afr = (*afr & ~(0xFu << at)) | (function << at);
  *pupdr = (*pupdr & ~(3u << 2u * pin)) | (1u << 2u * pin); /* an open line rests high */
  *moder = (*moder & ~(3u << 2u * pin)) | (2u << 2u * pin);
}
static void tx_pin(void) {
  alternate(EK_TX_PORT, EK_TX_PIN, EK_TX_FUNCTION);
}
static void rx_pin(void) {
  alternate(EK_RX_PORT, EK_RX_PIN, EK_RX_FUNCTION);
}
#endif

/* Before memory is readied: the loader wants the chip as reset leaves it. */
void ek_port_early(void) {
  if (next_start != LOADER_WANTED) return;
  next_start = 0;
  const uint32_t *loader = (const uint32_t *)(uintptr_t)EK_SYSTEM_MEMORY_BASE;
  EK_REG(SCB_VTOR) = EK_SYSTEM_MEMORY_BASE;
  __asm volatile(
      "msr msp, %0\n"
      "cpsie i\n"
      "bx %1\n" ::"r"(loader[0]),
      "r"(loader[1]));
}

static void set_rate(uint32_t baud) {
  USART_CR1 = 0;
  USART_BRR = (uint32_t)(((uint64_t)usart_hz * CLOCKS_PER_STEP + baud / 2u) / baud);
  USART_CR1 = CR1_UE | CR1_RE | CR1_TE | CR1_RXNEIE;
}

static void drain(void) {
  while (!(USART_STATE & SR_TC)) {
  }
}

void ek_port_set_baud(uint32_t baud) {
  drain();
  set_rate(baud);
}

void ek_port_init(void) {
  const int fast = ek_stm32_clock();
  core_hz = fast ? EK_CLOCK_HZ : EK_RESET_HZ;
  usart_hz = fast ? EK_USART_HZ : EK_RESET_HZ;
#if defined(EK_CORTEX_M7)
  ek_cortex_m7_caches();
#endif
  RCC(EK_GPIO_ENABLE) |=
      (1u << (EK_TX_PORT + EK_GPIO_ENABLE_SHIFT)) | (1u << (EK_RX_PORT + EK_GPIO_ENABLE_SHIFT));
  RCC(EK_USART_ENABLE) |= 1u << EK_USART_ENABLE_BIT;
  (void)RCC(EK_USART_ENABLE);
  rx_pin();
  tx_pin();
  set_rate(EK_BAUD);
  ek_cycles_start();
}

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  if (room == 0u) return 0;
  for (;;) {
    const uint32_t state = USART_STATE;
    if (state & SR_RXNE) break;
#if defined(EK_USART_OLD)
    if (state & SR_ORE) (void)USART_RDR; /* what was lost shows as a damaged frame */
#else
    if (state & SR_ORE) USART_ICR = SR_ORE;
#endif
    ek_cortex_m_nap(EK_USART_IRQ);
  }
  *data = (uint8_t)USART_RDR;
  return 1;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    while (!(USART_STATE & SR_TXE)) {
    }
    USART_TDR = data[i];
  }
}

uint64_t ek_port_ticks(void) {
  return ek_cycles();
}

uint32_t ek_port_ticks_hz(void) {
  return core_hz;
}

const char *ek_port_counter_name(void) {
  return ek_cycles_name();
}

void ek_port_reset(void) {
  drain(); /* the answer's last byte is on its way still */
  ek_cortex_m_reset();
}

void ek_port_bootloader(void) {
  next_start = LOADER_WANTED;
  ek_port_reset();
}

ek_stack ek_port_stack(void) {
  return ek_cortex_m_stack();
}
