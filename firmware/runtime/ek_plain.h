/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels for cores with plain 32-bit products share (Cortex-M0+, -M3, RV32IM): narrowing.
 *
 * On Cortex-M the hearts are assembly that both Thumb-1 (M0+) and Thumb-2 (M3) take: what differs
 * are the macros here. On RV32 they are C that keeps more in registers.
 *
 * With a = sum - lowest (folded into the bias), kept within 0..span, the output is
 * ((a * p0 >> 12) + a * p1 + k) >> 23: the generator found the numbers and checked every step of
 * the staircase that they draw (edgekit/lower/ways/steps.py). Where halves below zero must go away
 * from zero, `below` is added for sums below zero, that is a < zero.
 */
#ifndef EK_PLAIN_H
#define EK_PLAIN_H

#include "ek_asm.h"

typedef struct {
  int32_t start; /* bias - lowest */
  int32_t span, k, p0, p1;
  int32_t zero, below; /* 0 and 0 without the correction */
} ek_stepped;

/* `away`: whether the record has a correction. */
EK_KERNEL int8_t ek_step_of(int32_t sum, const ek_stepped *s, int32_t away) {
  const uint32_t a = (uint32_t)ek_clamp(sum, 0, s->span);
  uint32_t line = (a * (uint32_t)s->p0 >> 12) + a * (uint32_t)s->p1 + (uint32_t)s->k;
  if (away && (int32_t)a < s->zero) line += (uint32_t)s->below;
  return (int8_t)((int32_t)line >> 23);
}
EK_KERNEL int8_t ek_step(int32_t sum, const ek_stepped *s) {
  return ek_step_of(sum, s, 1);
}

#ifdef EK_THUMB
/* sum += x * w, which may destroy x; four of them. Four bytes each, on Thumb-1 and Thumb-2. */
#ifdef __thumb2__
#define EK_MAC(sum, x, w) "mla " #sum ", " #x ", " #w ", " #sum "\n"
#else
#define EK_MAC(sum, x, w) "muls " #x ", " #w "\nadd " #sum ", " #x "\n"
#endif
#define EK_MACS EK_MAC(r8, r4, r3) EK_MAC(r9, r5, r3) EK_MAC(r10, r6, r3) EK_MAC(r11, r7, r3)

/* a in r0, r2 free; r4 span, r5 k, r6 p0, r7 p1; with the correction r12 zero, lr below. On Thumb-1
 * what lies below 0 takes a way of its own: after a ReLU that is about half of all sums. */
#ifdef __thumb2__
#define EK_STEP_LINE(AWAY) \
  "mul r2, r0, r6\nadd r2, r5, r2, lsr #12\n" AWAY "mla r0, r0, r7, r2\nasrs r0, r0, #23\n"
#define EK_STEP_CLAMP "cmp r0, r4\nit hi\nbichi r0, r4, r0, asr #31\n"
#define EK_STEP_UP EK_STEP_CLAMP EK_STEP_LINE("")
#else
#define EK_STEP_LINE(AWAY)                                         \
  "movs r2, r0\nmuls r2, r6\nlsrs r2, r2, #12\nadds r2, r5\n" AWAY \
  "muls r0, r7\nadds r0, r2\nasrs r0, r0, #23\n"
#define EK_STEP_CLAMP "cmp r0, r4\nbls 9f\nasrs r2, r0, #31\nmovs r0, r4\nbics r0, r2\n9:\n"
#define EK_STEP_UP \
  "cmp r0, r4\nbls 9f\nbge 7f\nasrs r0, r5, #23\nb 6f\n7: movs r0, r4\n9:\n" EK_STEP_LINE("") "6:" \
                                                                                              "\n"
#endif
#define EK_STEP_AWAY EK_STEP_CLAMP EK_STEP_LINE("cmp r0, r12\nbhs 8f\nadd r2, lr\n8:\n")
/* Record at r3: r4-r7 from its fields, r12 and lr with the correction. r3 ends behind it. */
#define EK_RECORD_UP "adds r3, #4\nldmia r3!, {r4-r7}\nadds r3, #8\n"
#define EK_RECORD_AWAY \
  "ldr r4, [r3, #20]\nmov r12, r4\nldr r4, [r3, #24]\nmov lr, r4\n" EK_RECORD_UP
#define EK_PLAIN_OPEN(bytes)                                                              \
  ".syntax unified\npush {r4-r7, lr}\nmov r4, r8\nmov r5, r9\nmov r6, r10\nmov r7, r11\n" \
  "push {r4-r7}\nsub sp, #" #bytes "\n"
#define EK_PLAIN_CLOSE(bytes)                                         \
  "add sp, #" #bytes                                                  \
  "\npop {r4-r7}\nmov r8, r4\nmov r9, r5\nmov r10, r6\nmov r11, r7\n" \
  "pop {r4-r7, pc}\n"
#endif

#endif
