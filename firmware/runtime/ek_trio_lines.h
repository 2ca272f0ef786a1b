/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of depthwise convolutions for cores with plain products: lines of outputs of one
 * channel, three lines at once.
 *
 * The plane holds three parts of the channel over each other, in two words per place as ek_trio.h
 * says. A line is made two places at a time, six outputs, from the words at `plane`: for each tap
 * {bytes from there, weight} two neighbours. With a stride along the line, the plane holds every
 * stride-th input side by side, so that neighbours are neighbours.
 */
#ifndef EK_TRIO_LINES_H
#define EK_TRIO_LINES_H

#include "ek_trio.h"

#define EK_TRIO_SPARE 2 /* places behind the plane that are read, for outputs that nobody wants */

typedef struct {
  int32_t offset, weight;
} ek_trio_tap;

typedef struct {
  int32_t taps;     /* at least 1 */
  int32_t outputs;  /* of a line, at least 1 */
  int32_t out_step; /* bytes between neighbours of the line */
  int32_t lines;    /* at least 1 */
  int32_t part[2];  /* bytes from outputs of the first part to those of the second and third */
  int32_t advance;  /* bytes of the plane from an output line's inputs to the next one's */
  int32_t out_pitch;
} ek_trio_line;

/* One place: three outputs. */
EK_KERNEL void ek_trio_place(const uint32_t *from, const ek_trio_tap *taps,
                             const ek_stepped *record, int8_t *out, const ek_trio_line *s) {
  const uint32_t start = (uint32_t)record->start;
  uint32_t first = start + (start << 21), second = start + (start << 10);
  for (const ek_trio_tap *tap = taps, *end = taps + s->taps; tap < end; ++tap) {
    const uint32_t *at = from + tap->offset / 4;
    first += at[0] * (uint32_t)tap->weight;
    second += at[1] * (uint32_t)tap->weight;
  }
  int32_t sums[3];
  ek_trio_sums(first, second, sums);
  out[0] = ek_step(sums[0], record);
  out[s->part[0]] = ek_step(sums[1], record);
  out[s->part[1]] = ek_step(sums[2], record);
}

/* The twin. */
EK_NOINLINE void ek_trio_line_c(const uint32_t *plane, const ek_trio_tap *taps,
                                const ek_stepped *record, int8_t *out, const ek_trio_line *s) {
  for (int32_t line = 0; line < s->lines; ++line, plane += s->advance / 4, out += s->out_pitch) {
    for (int32_t i = 0; i < s->outputs; ++i) {
      ek_trio_place(plane + 2 * i, taps, record, out + i * s->out_step, s);
    }
  }
}

#ifdef EK_THUMB
/* Register plan: r8-r11 words of sums, r0 plane, r1 taps, r2 where a tap's inputs are, r3 weight,
 * r4-r7 inputs, r12 end of the taps; afterwards those of EK_TRIO_OUT, r3 out. On the stack: 0
 * plane, 4 record, 8 where to enter the unrolled taps, 12 taps, 16 outputs left, 20 out, 24
 * out_step, 28 end of the taps, 32 plane and 36 out of the line, 40 lines left, 44 s, 48 and 52
 * parts, 56 and 60 starts. A tap is 11 instructions for six products (7 on Thumb-2), 22 bytes. */
#define EK_TRIO_TAP "ldmia r1!, {r2, r3}\nadds r2, r0\nldmia r2!, {r4-r7}\n" EK_MACS
#define EK_TRIO_PART(at) "ldr r2, [sp, #" #at "]\nstrb r0, [r3, r2]\n"
#define EK_TRIO_PLACE(STEP, FIRST, SECOND)                                                \
  EK_TRIO_OUT(STEP, FIRST, SECOND, "strb r0, [r3]\n", EK_TRIO_PART(48), EK_TRIO_PART(52)) \
  "ldr r2, [sp, #24]\nadds r3, r2\nldr r1, [sp, #16]\n"
#define EK_TRIO_LINE_BODY(STEP, RECORD) \
  __asm volatile(EK_PLAIN_OPEN(64)                                                              \
      "str r0, [sp]\nstr r2, [sp, #4]\nstr r3, [sp, #20]\nstr r0, [sp, #32]\nstr r3, [sp, #36]\n" \
      "ldr r2, [r2]\n" EK_TRIO_STARTS "str r3, [sp, #56]\nstr r2, [sp, #60]\n"                  \
      "ldr r3, [sp, #100]\nstr r3, [sp, #44]\nldmia r3!, {r4-r7}\n"                             \
      "str r5, [sp, #16]\nstr r6, [sp, #24]\nstr r7, [sp, #40]\nldmia r3!, {r5, r6}\n"          \
      "str r5, [sp, #48]\nstr r6, [sp, #52]\nlsls r5, r4, #3\nadds r5, r1\nstr r5, [sp, #28]\n" \
      "rsbs r5, r4, #0\nmovs r6, #7\nands r5, r6\nstr r1, [sp, #12]\n"                          \
      "movs r6, #22\nmuls r6, r5\nadr r7, 2f\nadds r6, r7\nadds r6, #1\nstr r6, [sp, #8]\n"     \
      "1: ldr r0, [sp]\nldr r1, [sp, #12]\nldr r2, [sp, #56]\nmov r8, r2\nmov r10, r2\n"        \
      "ldr r2, [sp, #60]\nmov r9, r2\nmov r11, r2\n"                                            \
      "ldr r2, [sp, #28]\nmov r12, r2\nldr r2, [sp, #8]\nbx r2\n.balign 4\n"                    \
      "2:\n" EK_TRIO_TAP EK_TRIO_TAP EK_TRIO_TAP EK_TRIO_TAP EK_TRIO_TAP EK_TRIO_TAP            \
      EK_TRIO_TAP EK_TRIO_TAP "cmp r1, r12\nbne 2b\n"                                           \
      "adds r0, #16\nstr r0, [sp]\nldr r3, [sp, #4]\n" RECORD "ldr r3, [sp, #20]\n"             \
      EK_TRIO_PLACE(STEP, "r8", "r9") "subs r1, #1\nbeq 4f\n"                                   \
      EK_TRIO_PLACE(STEP, "r10", "r11") "str r3, [sp, #20]\n"                                   \
      "subs r1, #2\nbeq 4f\nstr r1, [sp, #16]\nb 1b\n"                                          \
      "4: ldr r3, [sp, #40]\nsubs r3, #1\nbeq 5f\nstr r3, [sp, #40]\nldr r7, [sp, #44]\n"       \
      "ldr r0, [sp, #32]\nldr r4, [r7, #24]\nadds r0, r4\nstr r0, [sp, #32]\nstr r0, [sp]\n"    \
      "ldr r1, [sp, #36]\nldr r4, [r7, #28]\nadds r1, r4\nstr r1, [sp, #36]\nstr r1, [sp, #20]\n" \
      "ldr r4, [r7, #4]\nstr r4, [sp, #16]\nb 1b\n"                                             \
      "5:\n" EK_PLAIN_CLOSE(64))

EK_NAKED void ek_trio_line_up(const uint32_t *plane EK_UNUSED, const ek_trio_tap *taps EK_UNUSED,
                              const ek_stepped *record EK_UNUSED, int8_t *out EK_UNUSED,
                              const ek_trio_line *s EK_UNUSED) {
  EK_TRIO_LINE_BODY(EK_STEP_UP, EK_RECORD_UP);
}
EK_NAKED void ek_trio_line_away(const uint32_t *plane EK_UNUSED, const ek_trio_tap *taps EK_UNUSED,
                                const ek_stepped *record EK_UNUSED, int8_t *out EK_UNUSED,
                                const ek_trio_line *s EK_UNUSED) {
  EK_TRIO_LINE_BODY(EK_STEP_AWAY, EK_RECORD_AWAY);
}
#endif

#ifdef EK_RV32
/* Three places at a time: six words of sums in registers. */
#define EK_TRIO_RV32(n) a##n += at[2 * n] * w, b##n += at[2 * n + 1] * w;
#define EK_TRIO_RV32_OUT(n)                         \
  {                                                 \
    int32_t sums[3];                                \
    ek_trio_sums(a##n, b##n, sums);                 \
    to[0] = ek_step_of(sums[0], &r, away);          \
    to[s->part[0]] = ek_step_of(sums[1], &r, away); \
    to[s->part[1]] = ek_step_of(sums[2], &r, away); \
    to += s->out_step;                              \
  }
EK_KERNEL void ek_trio_line_threes(const uint32_t *plane, const ek_trio_tap *taps,
                                   const ek_stepped *record, int8_t *out, const ek_trio_line *s,
                                   int32_t away) {
  const ek_stepped r = *record;
  const uint32_t start = (uint32_t)r.start;
  const uint32_t first = start + (start << 21), second = start + (start << 10);
  const ek_trio_tap *end = taps + s->taps;
  for (int32_t line = 0; line < s->lines; ++line, plane += s->advance / 4, out += s->out_pitch) {
    const uint32_t *from = plane;
    int8_t *to = out;
    for (int32_t left = s->outputs; left > 0; left -= 3, from += 6) {
      uint32_t a0 = first, a1 = first, a2 = first, b0 = second, b1 = second, b2 = second;
      for (const ek_trio_tap *tap = taps; tap < end; ++tap) {
        const uint32_t *at = from + ((uint32_t)tap->offset >> 2);
        const uint32_t w = (uint32_t)tap->weight;
        EK_TRIO_RV32(0) EK_TRIO_RV32(1) EK_TRIO_RV32(2)
      }
      EK_TRIO_RV32_OUT(0)
      if (left > 1) EK_TRIO_RV32_OUT(1)
      if (left > 2) EK_TRIO_RV32_OUT(2)
    }
  }
}

EK_OPTIMIZED void ek_trio_line_rv32_up(const uint32_t *plane, const ek_trio_tap *taps,
                                       const ek_stepped *record, int8_t *out,
                                       const ek_trio_line *s) {
  ek_trio_line_threes(plane, taps, record, out, s, 0);
}
EK_OPTIMIZED void ek_trio_line_rv32_away(const uint32_t *plane, const ek_trio_tap *taps,
                                         const ek_stepped *record, int8_t *out,
                                         const ek_trio_line *s) {
  ek_trio_line_threes(plane, taps, record, out, s, 1);
}
#endif

typedef void (*ek_trio_line_fn)(const uint32_t *, const ek_trio_tap *, const ek_stepped *, int8_t *,
                                const ek_trio_line *);

EK_KERNEL ek_trio_line_fn ek_trio_line_for(int32_t away) {
#ifdef EK_THUMB
  return away ? ek_trio_line_away : ek_trio_line_up;
#elif defined(EK_RV32)
  return away ? ek_trio_line_rv32_away : ek_trio_line_rv32_up;
#else
  (void)away;
  return ek_trio_line_c;
#endif
}

#endif
