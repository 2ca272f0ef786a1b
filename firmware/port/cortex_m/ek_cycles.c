/* SPDX-License-Identifier: Apache-2.0 */
/* Core cycles. SysTick: Arm v6-M, v7-M and v8-M Architecture Reference Manuals, "The system timer,
   SysTick". DWT_CYCCNT: v7-M C1.8, v8-M D1.2; the lock: CoreSight TRM, "Lock Access Register".
   A chip's name does not tell whether it counts (QEMU's do not), so the DWT is tried. */
#include "ek_cortex_m.h"

#define SYST_CSR EK_REG(0xE000E010u)
#define SYST_RVR EK_REG(0xE000E014u)
#define SYST_CVR EK_REG(0xE000E018u)
#define CSR_ENABLE_TICKINT_CORE 7u
#define SYST_BITS 24u
#define SYST_MASK 0x00FFFFFFu
#define SCB_ICSR EK_REG(0xE000ED04u)
#define ICSR_PENDSTSET (1u << 26)

#define DEMCR EK_REG(0xE000EDFCu)
#define DEMCR_TRCENA (1u << 24)
#define DWT_CTRL EK_REG(0xE0001000u)
#define DWT_CYCCNT EK_REG(0xE0001004u)
#define DWT_LAR EK_REG(0xE0001FB0u)
#define CTRL_CYCCNTENA 1u
#define LAR_UNLOCK 0xC5ACCE55u

#define TRIES 1000u

static uint8_t by_dwt;
static uint32_t last_low, high; /* of the DWT's counter */
static uint32_t wraps;          /* of SysTick */
static uint64_t last;

#if !defined(__ARM_ARCH_6M__)
static uint8_t dwt_moves(void) {
  DEMCR |= DEMCR_TRCENA;
  DWT_LAR = LAR_UNLOCK; /* a Cortex-M7 needs it, others ignore it */
  DWT_CYCCNT = 0;
  DWT_CTRL |= CTRL_CYCCNTENA;
  const uint32_t start = DWT_CYCCNT;
  for (uint32_t i = 0; i < TRIES; i++) {
    if (DWT_CYCCNT != start) return 1;
  }
  return 0;
}
#endif

void ek_cycles_start(void) {
#if !defined(__ARM_ARCH_6M__)
  by_dwt = dwt_moves();
#endif
  SYST_RVR = SYST_MASK;
  SYST_CVR = 0;
  SYST_CSR = CSR_ENABLE_TICKINT_CORE;
  for (uint32_t i = 0; i < TRIES && SYST_CVR == 0u; i++) { /* until the first reload */
  }
  ek_cortex_m_unmask(0);
}

static uint64_t dwt_cycles(void) {
  const uint32_t low = DWT_CYCCNT;
  if (low < last_low) high++;
  last_low = low;
  return ((uint64_t)high << 32) + low;
}

/* It counts down to 0 and is then pending: a period begins with the 0 of the one before. */
static uint64_t systick_cycles(void) {
  uint32_t down = SYST_CVR;
  uint32_t periods = wraps;
  if (SCB_ICSR & ICSR_PENDSTSET) {
    down = SYST_CVR;
    periods++;
  }
  uint64_t now = ((uint64_t)periods << SYST_BITS) + ((0u - down) & SYST_MASK);
  /* Read between the wrap and its being pending. */
  if (now < last) now += (uint64_t)1 << SYST_BITS;
  last = now;
  return now;
}

uint64_t ek_cycles(void) {
  const uint32_t masked = ek_cortex_m_mask();
  const uint64_t now = by_dwt ? dwt_cycles() : systick_cycles();
  ek_cortex_m_unmask(masked);
  return now;
}

void ek_cycles_tick(void) {
  wraps++;
  if (by_dwt) (void)dwt_cycles();
}

const char *ek_cycles_name(void) {
  return by_dwt ? "dwt-cyccnt" : "systick";
}
