/* SPDX-License-Identifier: Apache-2.0 */
#include "ek_timing.h"

#include "ek_port.h"

#define EK_PROBE_READS 100000u
#define EK_OVERHEAD_READS 16u

static uint32_t counter_hz;
static uint32_t overhead_ticks;

static int counter_moves(void) {
  const uint64_t start = ek_port_ticks();
  for (uint32_t i = 0; i < EK_PROBE_READS; i++) {
    if (ek_port_ticks() != start) return 1;
  }
  return 0;
}

void ek_timing_start(void) {
  if (!counter_moves()) return;
  counter_hz = ek_port_ticks_hz();
  overhead_ticks = UINT32_MAX;
  for (uint32_t i = 0; i < EK_OVERHEAD_READS; i++) {
    const uint64_t start = ek_port_ticks();
    const uint64_t cost = ek_port_ticks() - start;
    if (cost < overhead_ticks) overhead_ticks = (uint32_t)cost;
  }
}

uint32_t ek_timing_hz(void) {
  return counter_hz;
}

uint32_t ek_timing_overhead(void) {
  return overhead_ticks;
}

static uint64_t without_overhead(uint64_t ticks) {
  return ticks > overhead_ticks ? ticks - overhead_ticks : 0u;
}

int ek_timing_invoke(int (*invoke)(void), uint64_t *ticks) {
  const uint64_t start = ek_port_ticks();
  const int status = invoke();
  *ticks = without_overhead(ek_port_ticks() - start);
  return status;
}

int ek_timing_invoke_op(int (*invoke_op)(uint16_t op), uint16_t op, uint64_t *ticks) {
  const uint64_t start = ek_port_ticks();
  const int status = invoke_op(op);
  *ticks = without_overhead(ek_port_ticks() - start);
  return status;
}
