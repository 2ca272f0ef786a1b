/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of six pixels to the words of ek_trio_block.h. */
#ifndef EK_TRIO_EXPAND_H
#define EK_TRIO_EXPAND_H

#include "ek_trio_block.h"

/* `bytes` (at least 1) of three pixels to the first two of every four words; the words are added to
 * sums[0] and sums[1]. */
EK_NOINLINE void ek_trio_expand_c(uint32_t *to, const int8_t *a, const int8_t *b, const int8_t *c,
                                  int32_t bytes, uint32_t *sums) {
  uint32_t first = 0, second = 0;
  for (int32_t i = 0; i < bytes; ++i, to += 4) {
    to[0] = ek_trio_first(a[i], b[i]);
    to[1] = ek_trio_second(b[i], c[i]);
    first += to[0];
    second += to[1];
  }
  sums[0] += first;
  sums[1] += second;
}

#ifdef EK_THUMB
/* Register plan: r0 to, r1-r3 ends of the pixels' bytes, r4 bytes left below 0, r5-r7 inputs, r8
 * and r9 sums. 14 instructions for three bytes, 10 on Thumb-2. */
#ifdef __thumb2__
#define EK_TRIO_BYTES                                                                        \
  "1: ldrsb r5, [r1, r4]\nldrsb r6, [r2, r4]\nldrsb r7, [r3, r4]\nadd r7, r7, r6, lsl #10\n" \
  "add r5, r5, r6, lsl #21\nstrd r5, r7, [r0], #16\nadd r8, r5\nadd r9, r7\nadds r4, #1\nbne 1b\n"
#else
#define EK_TRIO_BYTES                                                                              \
  "1: ldrsb r5, [r1, r4]\nldrsb r6, [r2, r4]\nldrsb r7, [r3, r4]\nlsls r6, r6, #10\nadds r7, r6\n" \
  "str r7, [r0, #4]\nadd r9, r7\nlsls r6, r6, #11\nadds r5, r6\nstr r5, [r0]\nadd r8, r5\n"        \
  "adds r0, #16\nadds r4, #1\nbne 1b\n"
#endif
EK_NAKED void ek_trio_expand_asm(uint32_t *to EK_UNUSED, const int8_t *a EK_UNUSED,
                                 const int8_t *b EK_UNUSED, const int8_t *c EK_UNUSED,
                                 int32_t bytes EK_UNUSED, uint32_t *sums EK_UNUSED) {
  __asm volatile(
      ".syntax unified\npush {r4-r7, lr}\nmov r4, r8\nmov r5, r9\npush {r4, r5}\n"
      "ldr r4, [sp, #32]\nldr r5, [r4]\nmov r8, r5\nldr r5, [r4, #4]\nmov r9, r5\n"
      "ldr r4, [sp, #28]\nadds r1, r4\nadds r2, r4\nadds r3, r4\nrsbs r4, r4, #0\n" EK_TRIO_BYTES
      "ldr r4, [sp, #32]\nmov r5, r8\nmov r6, r9\nstr r5, [r4]\nstr r6, [r4, #4]\n"
      "pop {r4, r5}\nmov r8, r4\nmov r9, r5\npop {r4-r7, pc}\n");
}
#endif

EK_KERNEL void ek_trio_expand(uint32_t *to, const int8_t *a, const int8_t *b, const int8_t *c,
                              int32_t bytes, uint32_t *sums) {
#ifdef EK_THUMB
  ek_trio_expand_asm(to, a, b, c, bytes, sums);
#else
  ek_trio_expand_c(to, a, b, c, bytes, sums);
#endif
}

/* What makes up for the 128 that the weights have in addition. */
EK_KERNEL void ek_trio_offsets(uint32_t *x, const uint32_t *sums) {
  for (int32_t i = 0; i < 4; ++i) x[i] = 0u - 128u * sums[i];
}

/* The shape of a block of `count` pixels, 1 to 6: those that are missing are the last one again. */
EK_KERNEL ek_trio_shape ek_trio_shape_of(int32_t inputs, int32_t channels, int32_t count) {
  ek_trio_shape shape = {inputs, channels, {0, 0, 0, 0, 0, 0}};
  for (int32_t i = 1; i < 6; ++i) shape.at[i] = ek_min(i, count - 1) * channels;
  return shape;
}

#endif
