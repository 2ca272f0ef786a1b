/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of four neighbouring channels to four planes of int16 lanes, for depthwise convolutions.
 *
 * A line of a plane is `bytes` / 4 words; word w holds places 2w and 2w + 1 of the padded line. The
 * four planes' lines lie one after the other. Padding is not written: planes are filled with it
 * once.
 */
#ifndef EK_PLANES_H
#define EK_PLANES_H

#include "ek_lanes.h"

enum { EK_PLANE_ODD_WORD = 1, EK_PLANE_LEFT = 2, EK_PLANE_RIGHT = 4 };

typedef struct {
  int32_t step;  /* bytes between neighbours of a line in the input */
  int32_t bytes; /* of a plane's line */
  int32_t pitch; /* bytes between lines in the input */
  int32_t inner; /* bytes of the words that lie inside the line, two by two */
  int32_t flags; /* EK_PLANE_...: one more such word; half a word before and behind them */
} ek_plane_shape;

/* Lines of `n` pixels with `pad` places before them in planes of `words` words a line. */
EK_KERNEL ek_plane_shape ek_plane_shape_of(int32_t n, int32_t pad, int32_t words, int32_t step,
                                           int32_t pitch) {
  const int32_t first = (pad + 1) / 2;
  const int32_t end = ek_min((n + pad) / 2, words);
  const int32_t inner = ek_max(end - first, 0);
  const int32_t right = (n + pad) % 2 == 1 && end < words && n > pad % 2;
  const ek_plane_shape shape = {
      step, 4 * words, pitch, inner / 2 * 8,
      inner % 2 * EK_PLANE_ODD_WORD + pad % 2 * EK_PLANE_LEFT + right * EK_PLANE_RIGHT};
  return shape;
}

/* Place `at` of each plane's line from the four channels at `from`. */
EK_KERNEL void ek_plane_put(int16_t *to, int32_t bytes, const int8_t *from) {
  for (int32_t c = 0; c < 4; ++c) to[c * bytes / 2] = from[c];
}

/* The twin: `count` lines; `to` is the first inner word of plane 0. */
EK_NOINLINE void ek_plane_lines_c(int32_t *to, const int8_t *from, const ek_plane_shape *s,
                                  int32_t count) {
  for (int32_t line = 0; line < count; ++line, to += s->bytes, from += s->pitch) {
    const int8_t *at = from;
    int16_t *place = (int16_t *)(void *)to;
    const int32_t words = s->inner / 4 + (s->flags & EK_PLANE_ODD_WORD);
    if (s->flags & EK_PLANE_LEFT) {
      ek_plane_put(place - 1, s->bytes, at);
      at += s->step;
    }
    for (int32_t i = 0; i < 2 * words; ++i, at += s->step) ek_plane_put(place++, s->bytes, at);
    if (s->flags & EK_PLANE_RIGHT) ek_plane_put(place, s->bytes, at);
  }
}

#ifdef EK_DSP
/* Register plan: r1 r2 r3 r12 the four planes, r0 from, lr step, r4-r11 data. Parked: s0 plane 0,
 * s1 bytes from line to line of the planes, s2 line in the input, s3 pitch, s4 flags, s5 lines
 * left, s6 end of the inner words in plane 0, s7 bytes of a plane's line.
 * Bytes (0, 1) of two neighbours meet in one word, (2, 3) in another, before lanes are made of
 * them: 25 instructions for 16 values. */
#define EK_PLANE_HALF(offset)                            \
  "ldr r4, [r0]\nadd r0, lr\n"                           \
  "sxtb16 r6, r4\nsxtb16 r7, r4, ror #8\n"               \
  "strh r6, [r1, #" #offset "]\nstrh r7, [r2, #" #offset \
  "]\n"                                                  \
  "lsr r6, r6, #16\nlsr r7, r7, #16\n"                   \
  "strh r6, [r3, #" #offset "]\nstrh r7, [r12, #" #offset "]\n"
EK_NAKED void ek_plane_lines_asm(int32_t *to EK_UNUSED, const int8_t *from EK_UNUSED,
                                 const ek_plane_shape *s EK_UNUSED, int32_t count EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\n" EK_OPEN
      "ldmia r2, {r4, r5, r6, r7, r8}\n"
      "mov lr, r4\n"
      "lsl r9, r5, #2\n"
      "add r7, r0\n"
      EK_PARK(0, r0) EK_PARK(1, r9) EK_PARK(2, r1) EK_PARK(3, r6) EK_PARK(4, r8) EK_PARK(5, r3)
      EK_PARK(6, r7) EK_PARK(7, r5)
      "1:\n" EK_FETCH(r1, 0) EK_FETCH(r0, 2) EK_FETCH(r4, 7)
      "add r2, r1, r4\nadd r3, r2, r4\nadd r12, r3, r4\n"
      EK_FETCH(r5, 4) "tst r5, #2\nbeq 3f\n" EK_PLANE_HALF(-2)
      "b 3f\n"
      "2:\n"
      "ldr r4, [r0]\nldr r5, [r0, lr]\nadd r0, r0, lr, lsl #1\n"
      "ldr r6, [r0]\nldr r7, [r0, lr]\nadd r0, r0, lr, lsl #1\n"
      "pkhbt r8, r4, r5, lsl #16\npkhtb r4, r5, r4, asr #16\n"
      "pkhbt r9, r6, r7, lsl #16\npkhtb r6, r7, r6, asr #16\n"
      "sxtb16 r10, r8\nsxtb16 r11, r9\nstrd r10, r11, [r1], #8\n"
      "sxtb16 r8, r8, ror #8\nsxtb16 r9, r9, ror #8\nstrd r8, r9, [r2], #8\n"
      "sxtb16 r10, r4\nsxtb16 r11, r6\nstrd r10, r11, [r3], #8\n"
      "sxtb16 r4, r4, ror #8\nsxtb16 r6, r6, ror #8\nstrd r4, r6, [r12], #8\n"
      "3:\n" EK_FETCH(r4, 6) "cmp r1, r4\nbne 2b\n" EK_FETCH(r11, 4)
      "tst r11, #1\nbeq 4f\n"
      "ldr r4, [r0]\nldr r5, [r0, lr]\nadd r0, r0, lr, lsl #1\n"
      "pkhbt r8, r4, r5, lsl #16\npkhtb r4, r5, r4, asr #16\n"
      "sxtb16 r10, r8\nstr r10, [r1], #4\nsxtb16 r8, r8, ror #8\nstr r8, [r2], #4\n"
      "sxtb16 r10, r4\nstr r10, [r3], #4\nsxtb16 r4, r4, ror #8\nstr r4, [r12], #4\n"
      "4: tst r11, #4\nbeq 5f\n" EK_PLANE_HALF(0)
      "5:\n" EK_FETCH(r4, 5) "subs r4, #1\nbeq 6f\n" EK_PARK(5, r4)
      EK_FETCH2(r4, r5, 0, 1) "add r4, r5\n" EK_PARK(0, r4)
      EK_FETCH(r6, 6) "add r6, r5\n" EK_PARK(6, r6)
      EK_FETCH2(r4, r5, 2, 3) "add r4, r5\n" EK_PARK(2, r4) "b 1b\n"
      "6:\n" EK_CLOSE "pop {r4-r11, pc}\n");
}
#endif

EK_KERNEL void ek_plane_lines(int32_t *to, const int8_t *from, const ek_plane_shape *s,
                              int32_t count) {
#ifdef EK_DSP
  ek_plane_lines_asm(to, from, s, count);
#else
  ek_plane_lines_c(to, from, s, count);
#endif
}

#endif
