/* SPDX-License-Identifier: Apache-2.0 */
/* ADD and SUB of equal shapes as one line: (a * by_a + b * by_b + plus) / 2^22, rounded down.
 *
 * The generator found the three numbers and checked all 65,536 pairs of inputs.
 */
#ifndef EK_SUM_FORMULA_H
#define EK_SUM_FORMULA_H

#include "ek_clamp.h"
#include "ek_lanes.h"

typedef struct {
  int32_t count, by_a, by_b, plus, low, high;
} ek_sum_formula_params;

EK_KERNEL int32_t ek_sum_saturated(int32_t sum) {
#ifdef EK_DSP
  int32_t result;
  __asm("ssat %0, #8, %1, asr #22" : "=r"(result) : "r"(sum));
  return result;
#else
  return ek_clamp(sum >> 22, -128, 127);
#endif
}

EK_KERNEL uint32_t ek_sum_byte(uint32_t a, uint32_t b, const ek_sum_formula_params *p) {
  const int32_t sum = (int8_t)(a & 0xFFu) * p->by_a + (int8_t)(b & 0xFFu) * p->by_b + p->plus;
  return (uint32_t)ek_sum_saturated(sum) & 0xFFu;
}

/* `out` may be `a` or `b`. */
EK_NOINLINE void ek_sum_formula_run(const ek_sum_formula_params *p, const int8_t *a,
                                    const int8_t *b, int8_t *out) {
  const ek_sum_formula_params k = *p;
  int32_t i = 0;
  for (; i <= k.count - 4; i += 4) {
    uint32_t x, y, z;
    memcpy(&x, a + i, 4);
    memcpy(&y, b + i, 4);
    z = ek_sum_byte(x, y, &k);
    z |= ek_sum_byte(x >> 8, y >> 8, &k) << 8;
    z |= ek_sum_byte(x >> 16, y >> 16, &k) << 16;
    z |= ek_sum_byte(x >> 24, y >> 24, &k) << 24;
    memcpy(out + i, &z, 4);
  }
  for (; i < k.count; ++i) out[i] = (int8_t)ek_sum_byte((uint32_t)a[i], (uint32_t)b[i], &k);
}

EK_KERNEL void ek_sum_formula(const ek_sum_formula_params *p, const int8_t *a, const int8_t *b,
                              int8_t *out) {
  ek_sum_formula_run(p, a, b, out);
  ek_clamp_all(out, p->count, p->low, p->high);
}

#endif
