/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of four neighbouring channels to four planes of int16 lanes, for depthwise convolutions.
 *
 * A line of a plane is `words` words; word w holds places 2w and 2w + 1 of the padded line. The
 * four planes' lines lie one after the other.
 */
#ifndef EK_PLANES_H
#define EK_PLANES_H

#include "ek_lanes.h"

typedef struct {
  int32_t step;  /* bytes between neighbours of a line in the input */
  int32_t words; /* of a plane's line */
} ek_plane_shape;

/* Four channels of neighbours a and b: one word for each plane. */
EK_KERNEL void ek_plane_word(int32_t *to, int32_t words, const int8_t *a, const int8_t *b) {
  for (int32_t c = 0; c < 4; ++c) to[c * words] = ek_pair(a[c], b[c]);
}

/* The twin: `count` words of pairs that lie inside the line. */
EK_NOINLINE void ek_plane_words_c(int32_t *to, const int8_t *from, const ek_plane_shape *s,
                                  int32_t count) {
  for (int32_t w = 0; w < count; ++w, from += 2 * s->step) {
    ek_plane_word(to + w, s->words, from, from + s->step);
  }
}

#ifdef EK_DSP
/* Register plan: r1 r2 r3 r12 the four planes, r0 from, lr step, r4-r11 data; s0 end of plane 0.
 * Bytes (0, 1) of both neighbours meet in one word, (2, 3) in another, before lanes are made of
 * them: 25 instructions for 16 values. */
EK_NAKED void ek_plane_words_asm(int32_t *to EK_UNUSED, const int8_t *from EK_UNUSED,
                                 const ek_plane_shape *s EK_UNUSED, int32_t count EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\n" EK_OPEN
      "ldrd lr, r4, [r2]\n"
      "mov r5, r3\n"
      "mov r6, r0\n"
      "mov r0, r1\n"
      "mov r1, r6\n"
      "add r2, r1, r4, lsl #2\n"
      "add r3, r2, r4, lsl #2\n"
      "add r12, r3, r4, lsl #2\n"
      "bic r4, r5, #1\n"
      "add r4, r1, r4, lsl #2\n" EK_PARK(0, r4) EK_PARK(1, r5)
      "b 2f\n"
      "1:\n"
      "ldr r4, [r0]\nldr r5, [r0, lr]\nadd r0, r0, lr, lsl #1\n"
      "ldr r6, [r0]\nldr r7, [r0, lr]\nadd r0, r0, lr, lsl #1\n"
      "pkhbt r8, r4, r5, lsl #16\npkhtb r4, r5, r4, asr #16\n"
      "pkhbt r9, r6, r7, lsl #16\npkhtb r6, r7, r6, asr #16\n"
      "sxtb16 r10, r8\nsxtb16 r11, r9\nstrd r10, r11, [r1], #8\n"
      "sxtb16 r8, r8, ror #8\nsxtb16 r9, r9, ror #8\nstrd r8, r9, [r2], #8\n"
      "sxtb16 r10, r4\nsxtb16 r11, r6\nstrd r10, r11, [r3], #8\n"
      "sxtb16 r4, r4, ror #8\nsxtb16 r6, r6, ror #8\nstrd r4, r6, [r12], #8\n"
      "2:\n" EK_FETCH(r4, 0) "cmp r1, r4\nbne 1b\n" EK_FETCH(r4, 1)
      "tst r4, #1\nbeq 3f\n"
      "ldr r4, [r0]\nldr r5, [r0, lr]\n"
      "pkhbt r8, r4, r5, lsl #16\npkhtb r4, r5, r4, asr #16\n"
      "sxtb16 r10, r8\nstr r10, [r1]\nsxtb16 r8, r8, ror #8\nstr r8, [r2]\n"
      "sxtb16 r10, r4\nstr r10, [r3]\nsxtb16 r4, r4, ror #8\nstr r4, [r12]\n"
      "3:\n" EK_CLOSE "pop {r4-r11, pc}\n");
}
#endif

EK_KERNEL void ek_plane_words(int32_t *to, const int8_t *from, const ek_plane_shape *s,
                              int32_t count) {
#ifdef EK_DSP
  ek_plane_words_asm(to, from, s, count);
#else
  ek_plane_words_c(to, from, s, count);
#endif
}

/* A line of `n` pixels from `line` with `pad` places of `zero` before it and as many as it takes
 * behind it. */
EK_KERNEL void ek_plane_line(int32_t *to, const int8_t *line, const ek_plane_shape *s, int32_t n,
                             int32_t pad, const int8_t zero[4]) {
  const int32_t first = (pad + 1) / 2;
  const int32_t end = ek_min((n + pad) / 2, s->words);
  for (int32_t w = 0; w < s->words; ++w) {
    if (w == first && w < end) { /* the inner words at once */
      ek_plane_words(to + w, line + (2 * w - pad) * s->step, s, end - first);
      w = end - 1;
      continue;
    }
    const int32_t a = 2 * w - pad;
    ek_plane_word(to + w, s->words, a >= 0 && a < n ? line + a * s->step : zero,
                  a >= -1 && a < n - 1 ? line + (a + 1) * s->step : zero);
  }
}

#endif
