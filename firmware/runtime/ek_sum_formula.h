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

/* The twin: `count` elements, a multiple of four. */
EK_NOINLINE void ek_sum_fours_c(const int8_t *a, const int8_t *b, int8_t *out,
                                const ek_sum_formula_params *p, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    out[i] = (int8_t)ek_sum_byte((uint32_t)a[i], (uint32_t)b[i], p);
  }
}

#ifdef EK_DSP
/* Register plan: r0 a, r1 b, r2 out, r3 by_a, r4 by_b, r5 plus, r6 end of a, r7 r8 four inputs of
 * each, r9-r12 results, lr one input. 28 instructions for four elements. */
#define EK_SUM_ONE(y, last)                                       \
  "sxtb lr, r7" last "\nmla " #y ", lr, r3, r5\nsxtb lr, r8" last \
  "\n"                                                            \
  "mla " #y ", lr, r4, " #y "\n"
EK_NAKED void ek_sum_fours_asm(const int8_t *a EK_UNUSED, const int8_t *b EK_UNUSED,
                               int8_t *out EK_UNUSED, const ek_sum_formula_params *p EK_UNUSED,
                               int32_t count EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "ldr r6, [sp, #36]\n"
      "add r6, r0\n"
      "add r3, #4\n"
      "ldmia r3, {r3, r4, r5}\n"
      "1: ldr r7, [r0], #4\nldr r8, [r1], #4\n"
      EK_SUM_ONE(r9, "") EK_SUM_ONE(r10, ", ror #8") EK_SUM_ONE(r11, ", ror #16")
      EK_SUM_ONE(r12, ", ror #24")
      "ssat r9, #8, r9, asr #22\nssat r10, #8, r10, asr #22\n"
      "ssat r11, #8, r11, asr #22\nssat r12, #8, r12, asr #22\n"
      "bfi r9, r10, #8, #8\nbfi r11, r12, #8, #8\npkhbt r9, r9, r11, lsl #16\n"
      "str r9, [r2], #4\n"
      "cmp r0, r6\nbne 1b\n"
      "pop {r4-r11, pc}\n");
}
#endif

/* `out` may be `a` or `b`. */
EK_NOINLINE void ek_sum_formula_run(const ek_sum_formula_params *p, const int8_t *a,
                                    const int8_t *b, int8_t *out) {
  const int32_t fours = p->count & ~3;
#ifdef EK_DSP
  if (fours > 0) ek_sum_fours_asm(a, b, out, p, fours);
#else
  ek_sum_fours_c(a, b, out, p, fours);
#endif
  for (int32_t i = fours; i < p->count; ++i) {
    out[i] = (int8_t)ek_sum_byte((uint32_t)a[i], (uint32_t)b[i], p);
  }
}

EK_KERNEL void ek_sum_formula(const ek_sum_formula_params *p, const int8_t *a, const int8_t *b,
                              int8_t *out) {
  ek_sum_formula_run(p, a, b, out);
  ek_clamp_all(out, p->count, p->low, p->high);
}

#endif
