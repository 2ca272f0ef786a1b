/* SPDX-License-Identifier: Apache-2.0 */
/* Three lines of bytes to the words of ek_trio_lines.h. */
#ifndef EK_TRIO_PLANE_H
#define EK_TRIO_PLANE_H

#include "ek_trio.h"

typedef struct {
  int32_t step[3]; /* bytes between neighbours of each line; 0: the same one again */
  int32_t count;   /* at least 1 */
} ek_trio_walk;

/* The twin. */
EK_NOINLINE void ek_trio_gather_c(uint32_t *to, const int8_t *a, const int8_t *b, const int8_t *c,
                                  const ek_trio_walk *w) {
  for (int32_t i = 0; i < w->count; ++i, to += 2) {
    to[0] = ek_trio_first(*a, *b);
    to[1] = ek_trio_second(*b, *c);
    a += w->step[0];
    b += w->step[1];
    c += w->step[2];
  }
}

#ifdef EK_THUMB
/* Register plan: r0 to, r1-r3 lines, r4 zero, r5-r7 inputs, r8-r10 steps, r12 end. 13 instructions
 * for three inputs, 11 on Thumb-2. */
#ifdef __thumb2__
#define EK_TRIO_GATHER "add r7, r7, r6, lsl #10\nadd r5, r5, r6, lsl #21\n"
#else
#define EK_TRIO_GATHER "lsls r6, r6, #10\nadds r7, r6\nlsls r6, r6, #11\nadds r5, r6\n"
#endif
EK_NAKED void ek_trio_gather_asm(uint32_t *to EK_UNUSED, const int8_t *a EK_UNUSED,
                                 const int8_t *b EK_UNUSED, const int8_t *c EK_UNUSED,
                                 const ek_trio_walk *w EK_UNUSED) {
  __asm volatile(
      ".syntax unified\npush {r4-r7, lr}\nmov r4, r8\nmov r5, r9\nmov r6, r10\npush {r4-r6}\n"
      "ldr r4, [sp, #32]\nldmia r4!, {r5-r7}\nmov r8, r5\nmov r9, r6\nmov r10, r7\n"
      "ldr r4, [r4]\nlsls r4, r4, #3\nadds r4, r0\nmov r12, r4\nmovs r4, #0\n"
      "1: ldrsb r5, [r1, r4]\nldrsb r6, [r2, r4]\nldrsb r7, [r3, r4]\n" EK_TRIO_GATHER
      "stmia r0!, {r5, r7}\nadd r1, r8\nadd r2, r9\nadd r3, r10\ncmp r0, r12\nbne 1b\n"
      "pop {r4-r6}\nmov r8, r4\nmov r9, r5\nmov r10, r6\npop {r4-r7, pc}\n");
}
#endif

EK_KERNEL void ek_trio_gather(uint32_t *to, const int8_t *a, const int8_t *b, const int8_t *c,
                              const ek_trio_walk *w) {
#ifdef EK_THUMB
  ek_trio_gather_asm(to, a, b, c, w);
#else
  ek_trio_gather_c(to, a, b, c, w);
#endif
}

#endif
