/* SPDX-License-Identifier: Apache-2.0 */
/* ADD and SUB of equal shapes as in ek_sum_formula.h, with Helium: eight elements at a time. */
#ifndef EK_SUM_HELIUM_H
#define EK_SUM_HELIUM_H

#include "ek_helium.h"
#include "ek_sum_formula.h"

typedef ek_sum_formula_params ek_sum_helium_params;

#ifdef EK_HELIUM
/* Register plan: r0 a, r1 b, r2 out, r5 by_b, r6 plus, lr rounds; q0 q1 a and sums, q2 q3 b, q6
 * by_a, q7 where the eight results go. 15 instructions for eight elements, without VQSHRN: GNU as
 * 2.40 encodes it as VQRSHRN. */
EK_NAKED void ek_sum_eights_asm(const int8_t *a EK_UNUSED, const int8_t *b EK_UNUSED,
                                int8_t *out EK_UNUSED, const ek_sum_formula_params *p EK_UNUSED) {
  __asm volatile(
      "push {r4-r6, lr}\nvpush {d12-d15}\n"
      "movs r4, #0\nvidup.u16 q7, r4, #1\nmovs r4, #1\nvdup.16 q0, r4\nvand q0, q0, q7\n"
      "vshr.u16 q7, q7, #1\nmovs r4, #4\nvmla.s16 q7, q0, r4\n"
      "ldmia r3, {r3-r6}\nvdup.32 q6, r4\nlsr lr, r3, #3\nwls lr, lr, 2f\n"
      "1: vldrb.s32 q0, [r0], #4\nvmlas.s32 q0, q6, r6\nvldrb.s32 q2, [r1], #4\n"
      "vmla.s32 q0, q2, r5\nvldrb.s32 q1, [r0], #4\nvmlas.s32 q1, q6, r6\n"
      "vldrb.s32 q3, [r1], #4\nvmla.s32 q1, q3, r5\n"
      "vshrnb.i32 q0, q0, #16\nvshrnt.i32 q0, q1, #16\nvshr.s16 q0, q0, #6\nvqmovnb.s16 q0, q0\n"
      "vstrb.16 q0, [r2, q7]\nadds r2, #8\nle lr, 1b\n"
      "2: vpop {d12-d15}\npop {r4-r6, pc}\n");
}
#endif

EK_KERNEL void ek_sum_helium(const ek_sum_helium_params *p, const int8_t *a, const int8_t *b,
                             int8_t *out) {
  int32_t first = 0;
#ifdef EK_HELIUM
  ek_sum_eights_asm(a, b, out, p);
  first = p->count / 8 * 8;
#endif
  ek_sum_fours_c(a + first, b + first, out + first, p, p->count - first);
  ek_clamp_all(out, p->count, p->low, p->high);
}

#endif
