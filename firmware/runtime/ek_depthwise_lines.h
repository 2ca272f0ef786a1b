/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of 3x3 depthwise convolutions: lines of one channel from its plane (ek_planes.h).
 *
 * `record`: three words of kernel taps (bytes 0..2 of word i are taps 0..2 of kernel line i), bias,
 * high, scale (ek_narrow). Four outputs at a time; a line's last four may be fewer.
 */
#ifndef EK_DEPTHWISE_LINES_H
#define EK_DEPTHWISE_LINES_H

#include "ek_lanes.h"

#define EK_DEPTHWISE_RECORD 6

typedef struct {
  int32_t pitch;    /* bytes from a line of the plane to the next */
  int32_t out_step; /* bytes between neighbours of an output line */
  int32_t out_pitch;
  int32_t advance; /* bytes of the plane per output line: pitch * stride across lines */
  int32_t last;    /* bytes from a line's start to its last four outputs' inputs */
  int32_t rest;    /* outputs of the last four: 1..4 */
  int32_t lines;   /* of the output, at least 1 */
  ek_narrowing narrowing;
} ek_depthwise_shape;

/* The twin; `stride` along the line is 1 or 2. */
EK_KERNEL void ek_depthwise_lines_c(const int32_t *plane, int8_t *out, const int32_t *record,
                                    const ek_depthwise_shape *s, int32_t stride) {
  const int32_t count = s->last / (8 * stride) * 4 + s->rest;
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
/* Register plan: r4-r9 taps, (0, 1) and (1, 2) of each kernel line; r10 r11 r12 lr four outputs;
 * r1 r2 r3 inputs, r0 where they are. Parked: s0 bias, s1 pitch, s2 twice that, s3 zero point,
 * s4 high, s5 scale, s6 out, s7 out_step, s8 where the line's last four are, s9 lines left,
 * s10 start of the line, s11 advance, s12 out_pitch, s13 start of the output line, s14 rest.
 * With stride 1 outputs at even places take SMLAD(X0, taps 01) + SMLABT(X1, taps 12), those at odd
 * ones SMLATB(X0, taps 01) + SMLAD(X1, taps 12); with stride 2 all are even ones. */
#define EK_EVEN(y, x0, x1, w01, w12)     \
  "smlad " #y ", " #x0 ", " #w01 ", " #y \
  "\n"                                   \
  "smlabt " #y ", " #x1 ", " #w12 ", " #y "\n"
#define EK_ODD(y, x0, x1, w01, w12)       \
  "smlatb " #y ", " #x0 ", " #w01 ", " #y \
  "\n"                                    \
  "smlad " #y ", " #x1 ", " #w12 ", " #y "\n"
#define EK_LINE_1(at, w01, w12)                                                                \
  "ldmia " #at ", {r1, r2, r3}\n" EK_EVEN(r10, r1, r2, w01, w12) EK_ODD(r11, r1, r2, w01, w12) \
      EK_EVEN(r12, r2, r3, w01, w12) EK_ODD(lr, r2, r3, w01, w12)
#define EK_LINE_2(at, w01, w12)                                                            \
  "ldrd r2, r3, [" #at ", #12]\n" EK_EVEN(                                                 \
      lr, r2, r3, w01, w12) "smlabt r12, r2, " #w12                                        \
                            ", r12\n"                                                      \
                            "ldmia " #at ", {r1, r2, r3}\n" EK_EVEN(r10, r1, r2, w01, w12) \
                                EK_EVEN(r11, r2, r3, w01, w12) "smlad r12, r3, " #w01 ", r12\n"
#define EK_TAPS(word, w01, w12) \
  "sxtb16 r10, " #word          \
  "\n"                          \
  "sxtb16 r11, " #word          \
  ", ror #8\n"                  \
  "pkhbt " #w01                 \
  ", r10, r11, lsl #16\n"       \
  "pkhbt " #w12 ", r11, r10\n"

#define EK_DEPTHWISE_BODY(LINE, BYTES, AWAY) \
  __asm volatile(                                                                             \
      "push {r4-r11, lr}\n" EK_OPEN "ldmia r3, {r4-r11}\n" EK_PARK(1, r4) EK_PARK(7, r5)      \
      EK_PARK(12, r6) EK_PARK(11, r7) EK_PARK(14, r9) EK_PARK(9, r10) EK_PARK(3, r11)         \
      EK_PARK(6, r1) EK_PARK(13, r1) EK_PARK(10, r0)                                          \
      "lsl r4, r4, #1\nadd r8, r0\n" EK_PARK(2, r4) EK_PARK(8, r8)                            \
      "ldmia r2, {r4, r5, r6, r10, r11, r12}\n" EK_PARK(0, r10) EK_PARK(4, r11)               \
      EK_PARK(5, r12) EK_TAPS(r6, r8, r9) EK_TAPS(r5, r6, r7) EK_TAPS(r4, r4, r5)             \
      "1:\n" EK_FETCH(r10, 0) "mov r11, r10\nmov r12, r10\nmov lr, r10\n" LINE(r0, r4, r5)    \
      EK_FETCH(r1, 1) "add r1, r0\n" LINE(r1, r6, r7)                                         \
      EK_FETCH(r1, 2) "add r1, r0\n" LINE(r1, r8, r9)                                         \
      EK_FETCH2(r1, r2, 4, 5) EK_FETCH(r3, 3)                                                 \
      EK_NARROW_4(AWAY, r10, r11, r12, lr, r1, r2, r3)                                        \
      EK_FETCH2(r1, r2, 6, 7) EK_FETCH(r3, 8)                                                 \
      "cmp r0, r3\nbhs 2f\n"                                                                  \
      "strb r10, [r1]\nstrb r11, [r1, r2]\nadd r1, r1, r2, lsl #1\n"                          \
      "strb r12, [r1]\nstrb lr, [r1, r2]\nadd r1, r1, r2, lsl #1\n" EK_PARK(6, r1)            \
      "add r0, #" #BYTES "\nb 1b\n"                                                           \
      "2:\n" EK_FETCH(r3, 14)                                                                 \
      "strb r10, [r1]\ncmp r3, #2\nblt 3f\n"                                                  \
      "strb r11, [r1, r2]\nadd r1, r1, r2, lsl #1\ncmp r3, #3\nblt 3f\n"                      \
      "strb r12, [r1]\nbeq 3f\nstrb lr, [r1, r2]\n"                                           \
      "3:\n" EK_FETCH(r3, 9) "subs r3, #1\nbeq 4f\n" EK_PARK(9, r3)                           \
      EK_FETCH(r1, 13) EK_FETCH(r2, 12) "add r1, r2\n" EK_PARK(13, r1) EK_PARK(6, r1)         \
      EK_FETCH(r0, 10) EK_FETCH(r2, 11) "add r0, r2\n" EK_PARK(10, r0)                        \
      EK_FETCH(r3, 8) "add r3, r2\n" EK_PARK(8, r3) "b 1b\n"                                  \
      "4:\n" EK_CLOSE "pop {r4-r11, pc}\n")
#define EK_DEPTHWISE_FUNCTION(name, LINE, BYTES, AWAY)                                         \
  EK_NAKED void name(const int32_t *plane EK_UNUSED, int8_t *out EK_UNUSED,                    \
                     const int32_t *record EK_UNUSED, const ek_depthwise_shape *s EK_UNUSED) { \
    EK_DEPTHWISE_BODY(LINE, BYTES, AWAY);                                                      \
  }
EK_DEPTHWISE_FUNCTION(ek_depthwise_lines_1_up, EK_LINE_1, 8, EK_UP)
EK_DEPTHWISE_FUNCTION(ek_depthwise_lines_1_away, EK_LINE_1, 8, EK_AWAY)
EK_DEPTHWISE_FUNCTION(ek_depthwise_lines_2_up, EK_LINE_2, 16, EK_UP)
EK_DEPTHWISE_FUNCTION(ek_depthwise_lines_2_away, EK_LINE_2, 16, EK_AWAY)
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
