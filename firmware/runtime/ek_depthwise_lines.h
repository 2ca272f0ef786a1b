/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of 3x3 depthwise convolutions whose strides are equal: outputs of one channel from its
 * plane (ek_planes.h).
 *
 * `record`: three words of kernel taps (bytes 0..2 of word i are taps 0..2 of kernel line i), bias,
 * high, scale (ek_narrow). Four neighbours of an output line at a time, and so down all lines, then
 * the next four; of what is left two at a time.
 */
#ifndef EK_DEPTHWISE_LINES_H
#define EK_DEPTHWISE_LINES_H

#include "ek_lanes.h"

#define EK_DEPTHWISE_RECORD 6

typedef struct {
  int32_t pitch;    /* bytes from a line of the plane to the next */
  int32_t out_step; /* bytes between neighbours of an output line */
  int32_t out_pitch;
  int32_t advance;     /* bytes of the plane per output line: pitch * stride across lines */
  int32_t fours, rest; /* outputs of a line: 4 * fours + rest */
  int32_t lines;       /* of the output, at least 1 */
  ek_narrowing narrowing;
  int32_t k_lines, steps, gap; /* of ek_depthwise_taps.h: kernel lines, words of each, bytes from
                                  behind a line's words to the next line's */
} ek_depthwise_shape;

/* The twin; `stride` along the line is 1 or 2. */
EK_KERNEL void ek_depthwise_lines_c(const int32_t *plane, int8_t *out, const int32_t *record,
                                    const ek_depthwise_shape *s, int32_t stride) {
  const int32_t count = 4 * s->fours + s->rest;
  for (int32_t line = 0; line < s->lines; ++line) {
    for (int32_t x = 0; x < count; ++x) {
      int32_t acc = record[3];
      for (int32_t ky = 0; ky < 3; ++ky) {
        const int32_t *from = plane + (line * s->advance + ky * s->pitch) / 4;
        for (int32_t kx = 0; kx < 3; ++kx) {
          const int32_t at = x * stride + kx;
          const int32_t value = at % 2 ? ek_lane1(from[at / 2]) : ek_lane0(from[at / 2]);
          const int32_t tap = (int8_t)((uint32_t)record[ky] >> (8 * kx) & 0xFF);
          acc = ek_add_wrap(acc, value * tap);
        }
      }
      out[line * s->out_pitch + x * s->out_step] =
          ek_narrow(acc, record[4], record[5], &s->narrowing);
    }
  }
}

EK_NOINLINE void ek_depthwise_lines_c1(const int32_t *plane, int8_t *out, const int32_t *record,
                                       const ek_depthwise_shape *s) {
  ek_depthwise_lines_c(plane, out, record, s, 1);
}
EK_NOINLINE void ek_depthwise_lines_c2(const int32_t *plane, int8_t *out, const int32_t *record,
                                       const ek_depthwise_shape *s) {
  ek_depthwise_lines_c(plane, out, record, s, 2);
}

#ifdef EK_DSP
/* Register plan: r4-r9 taps, (0, 1) and (1, 2) of each kernel line; r10 r11 r12 lr four outputs,
 * of which the last takes the bias to all of them; r1 r2 r3 inputs, r0 where they are. Parked: s0
 * bias, s1 pitch, s3 zero point, s4 high, s5 scale, s6 out, s7 out_step, s8
 * out_pitch, s10 where r0 is behind the last line, s11 s12 r0 and out of the next
 * column's first line, s13 fours left, s14 rest, s15 bytes of all lines.
 * With stride 1 outputs at even places take SMLAD(X0, taps 01) + SMLABT(X1, taps 12), those at odd
 * ones SMLATB(X0, taps 01) + SMLAD(X1, taps 12); with stride 2 all are even ones. Two at a time are
 * r10 and r11, with pitch in r12 and the end in lr; of a single one the other lands on its place
 * first. Four outputs take 58 instructions, two 34. */
#define EK_EVEN(y, x0, x1, w01, w12, start)  \
  "smlad " #y ", " #x0 ", " #w01 ", " #start \
  "\n"                                       \
  "smlabt " #y ", " #x1 ", " #w12 ", " #y "\n"
#define EK_ODD(y, x0, x1, w01, w12, start)    \
  "smlatb " #y ", " #x0 ", " #w01 ", " #start \
  "\n"                                        \
  "smlad " #y ", " #x1 ", " #w12 ", " #y "\n"
/* NEXT makes r0 or r1 the place of the next line once X0 is no longer needed: r0 goes on to where
 * the next output line begins. */
#define EK_NEXT(to) EK_FETCH(r1, 1) "add " #to ", r0, r1\n"
#define EK_FOUR_1(w01, w12, a, b, c, NEXT) \
  EK_EVEN(r10, r1, r2, w01, w12, a)        \
  EK_ODD(r11, r1, r2, w01, w12, b)         \
  NEXT EK_EVEN(r12, r2, r3, w01, w12, c) EK_ODD(lr, r2, r3, w01, w12, lr)
#define EK_THREE_LINES_1                                                                               \
  "ldmia r0, {r1, r2, r3}\n" EK_FOUR_1(                                                                \
      r4, r5, lr, lr, lr,                                                                              \
      EK_NEXT(                                                                                         \
          r0)) "ldmia r0, {r1, r2, r3}\n" EK_FOUR_1(r6, r7, r10, r11, r12,                             \
                                                    EK_NEXT(                                           \
                                                        r1)) "ldmia r1, {r1, r2, r3}\n" EK_FOUR_1(r8,  \
                                                                                                  r9,  \
                                                                                                  r10, \
                                                                                                  r11, \
                                                                                                  r12, \
                                                                                                  "")
#define EK_LINE_2(w01, w12)                                                     \
  "ldrd r2, r3, [r0, #12]\n" EK_EVEN(                                           \
      lr, r2, r3, w01, w12,                                                     \
      lr) "smlabt r12, r2, " #w12                                               \
          ", r12\nldmia r0, {r1, r2, r3}\n" EK_EVEN(r10, r1, r2, w01, w12, r10) \
              EK_EVEN(r11, r2, r3, w01, w12, r11) "smlad r12, r3, " #w01 ", r12\n"
#define EK_THREE_LINES_2 \
  "ldmia r0, {r1, r2, r3}\n" EK_EVEN(r10, r1, r2, r4, r5, lr) EK_EVEN(r11, r2, r3, r4, r5, lr) \
  "smlad r12, r3, r4, lr\n"                                                             \
  "ldrd r2, r3, [r0, #12]\n"                                                            \
  "smlabt r12, r2, r5, r12\n" EK_EVEN(lr, r2, r3, r4, r5, lr)                           \
  EK_NEXT(r0) EK_LINE_2(r6, r7) EK_NEXT(r0) EK_LINE_2(r8, r9)
#define EK_TWO_1(w01, w12, a, b) EK_EVEN(r10, r1, r2, w01, w12, a) EK_ODD(r11, r1, r2, w01, w12, b)
#define EK_TWO_2(w01, w12, a, b) EK_EVEN(r10, r1, r2, w01, w12, a) EK_EVEN(r11, r2, r3, w01, w12, b)
#define EK_SHORT_1 \
  "ldmia r0, {r1, r2}\n" EK_TWO_1(r4, r5, r11, r11) "add r0, r12\n"                \
  "ldmia r0, {r1, r2}\n" EK_TWO_1(r6, r7, r10, r11) "add r1, r0, r12\n"            \
  "ldmia r1, {r1, r2}\n" EK_TWO_1(r8, r9, r10, r11)
#define EK_SHORT_2 \
  "ldmia r0, {r1, r2, r3}\n" EK_TWO_2(r4, r5, r11, r11) "add r0, r12\n"            \
  "ldmia r0, {r1, r2, r3}\n" EK_TWO_2(r6, r7, r10, r11) "add r0, r12\n"            \
  "ldmia r0, {r1, r2, r3}\n" EK_TWO_2(r8, r9, r10, r11)
#define EK_TAPS(word, w01, w12) \
  "sxtb16 r10, " #word          \
  "\n"                          \
  "sxtb16 r11, " #word          \
  ", ror #8\n"                  \
  "pkhbt " #w01                 \
  ", r10, r11, lsl #16\n"       \
  "pkhbt " #w12 ", r11, r10\n"
/* Down one line with out in r1. */
#define EK_LINE_DOWN EK_FETCH(r2, 8) "add r1, r2\n" EK_PARK(6, r1)

#define EK_DEPTHWISE_BODY(LINES, SHORT, STRIDE, AWAY) \
  __asm volatile(                                                                         \
      "push {r4-r11, lr}\n" EK_OPEN "ldmia r3, {r4-r11}\n" EK_PARK(1, r4) EK_PARK(7, r5)  \
      EK_PARK(8, r6) EK_PARK(13, r8) EK_PARK(14, r9) EK_PARK(3, r11)       \
      EK_PARK(11, r0) EK_PARK(12, r1)                                                     \
      "mul r7, r7, r10\n" EK_PARK(15, r7)                  \
      "ldmia r2, {r4, r5, r6, r10, r11, r12}\n" EK_PARK(0, r10) EK_PARK(4, r11)           \
      EK_PARK(5, r12) EK_TAPS(r6, r8, r9) EK_TAPS(r5, r6, r7) EK_TAPS(r4, r4, r5)         \
      "1:\n" EK_FETCH(r3, 13) "subs r3, #1\nblt 3f\n" EK_PARK(13, r3)                     \
      EK_FETCH2(r0, r1, 11, 12) EK_FETCH(r2, 15) "add r3, r0, r2\n" EK_PARK(10, r3)       \
      "add r2, r0, #8*" #STRIDE "\n" EK_PARK(11, r2) EK_PARK(6, r1) EK_FETCH(r2, 7)       \
      "add r1, r1, r2, lsl #2\n" EK_PARK(12, r1)                                          \
      "2:\n" EK_FETCH(lr, 0) LINES EK_FETCH2(r1, r2, 4, 5) EK_FETCH(r3, 3)                \
      EK_NARROW_4(AWAY, r10, r11, r12, lr, r1, r2, r3) EK_FETCH2(r1, r2, 6, 7)            \
      "add r3, r1, r2, lsl #1\n"                                                          \
      "strb r10, [r1]\nstrb r11, [r1, r2]\nstrb r12, [r3]\nstrb lr, [r3, r2]\n"           \
      EK_LINE_DOWN EK_FETCH(r2, 10) "cmp r0, r2\nbne 2b\nb 1b\n"                          \
      "3:\n" EK_FETCH(r3, 14) "cmp r3, #0\nbeq 6f\n"                                              \
      EK_FETCH2(r0, r1, 11, 12) EK_FETCH(r2, 15) "add lr, r0, r2\n" EK_FETCH(r12, 1)      \
      "add r2, r0, #4*" #STRIDE "\n" EK_PARK(11, r2) EK_PARK(6, r1) EK_FETCH(r2, 7)       \
      "add r1, r1, r2, lsl #1\n" EK_PARK(12, r1)                                          \
      "subs r3, #2\nbge 4f\n"                                                             \
      "mov r3, #0\n" EK_PARK(7, r3)                                                       \
      "4:\n" EK_PARK(14, r3)                                                              \
      "5:\n" EK_FETCH(r11, 0) SHORT EK_FETCH2(r1, r2, 4, 5) EK_FETCH(r3, 3) \
      "smmlar r10, r10, r1, r10\nsmmlar r11, r11, r1, r11\n" AWAY(r10) AWAY(r11)          \
      "smmlar r10, r10, r2, r3\nsmmlar r11, r11, r2, r3\n"                                \
      "ssat r10, #8, r10\nssat r11, #8, r11\n" EK_FETCH2(r1, r2, 6, 7)                    \
      "strb r11, [r1, r2]\nstrb r10, [r1]\n" EK_LINE_DOWN                                 \
      "cmp r0, lr\nbne 5b\nb 3b\n"                                                        \
      "6:\n" EK_CLOSE "pop {r4-r11, pc}\n")
#define EK_DEPTHWISE_FUNCTION(name, ...)                                                       \
  EK_NAKED void name(const int32_t *plane EK_UNUSED, int8_t *out EK_UNUSED,                    \
                     const int32_t *record EK_UNUSED, const ek_depthwise_shape *s EK_UNUSED) { \
    EK_DEPTHWISE_BODY(__VA_ARGS__);                                                            \
  }
EK_DEPTHWISE_FUNCTION(ek_depthwise_lines_1_up, EK_THREE_LINES_1, EK_SHORT_1, 1, EK_UP)
EK_DEPTHWISE_FUNCTION(ek_depthwise_lines_1_away, EK_THREE_LINES_1, EK_SHORT_1, 1, EK_AWAY)
EK_DEPTHWISE_FUNCTION(ek_depthwise_lines_2_up, EK_THREE_LINES_2, EK_SHORT_2, 2, EK_UP)
EK_DEPTHWISE_FUNCTION(ek_depthwise_lines_2_away, EK_THREE_LINES_2, EK_SHORT_2, 2, EK_AWAY)
#endif

typedef void (*ek_depthwise_lines_fn)(const int32_t *, int8_t *, const int32_t *,
                                      const ek_depthwise_shape *);

/* Constants at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_depthwise_lines_fn ek_depthwise_lines_for(int32_t stride, int32_t away) {
#ifdef EK_DSP
  if (stride == 1) return away ? ek_depthwise_lines_1_away : ek_depthwise_lines_1_up;
  return away ? ek_depthwise_lines_2_away : ek_depthwise_lines_2_up;
#else
  (void)away;
  return stride == 1 ? ek_depthwise_lines_c1 : ek_depthwise_lines_c2;
#endif
}

#endif
