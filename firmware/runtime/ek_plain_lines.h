/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of depthwise convolutions for cores with plain products: lines of outputs of one
 * channel.
 *
 * The channel is a plane of words. A line is made four outputs at a time from the words at `plane`:
 * for each tap {bytes from there, weight} four neighbours. With a stride along the line, the plane
 * holds every stride-th input side by side, so that neighbours are neighbours.
 */
#ifndef EK_PLAIN_LINES_H
#define EK_PLAIN_LINES_H

#include "ek_plain.h"

typedef struct {
  int32_t offset, weight;
} ek_plain_tap;

typedef struct {
  int32_t taps;     /* at least 1 */
  int32_t outputs;  /* of the line, at least 1 */
  int32_t out_step; /* bytes between neighbours of the line */
  int32_t lines;    /* at least 1 */
  int32_t advance;  /* bytes of the plane from an output line's inputs to the next one's */
  int32_t out_pitch;
} ek_plain_line;

/* The twin. */
EK_NOINLINE void ek_plain_line_c(const int32_t *plane, const ek_plain_tap *taps,
                                 const ek_stepped *record, int8_t *out, const ek_plain_line *s) {
  for (int32_t i = 0; i < s->lines * s->outputs; ++i) {
    const int32_t line = i / s->outputs, at = i % s->outputs;
    const int32_t *from = plane + line * s->advance / 4 + at;
    uint32_t sum = (uint32_t)record->start;
    for (int32_t tap = 0; tap < s->taps; ++tap) {
      sum += (uint32_t)from[taps[tap].offset / 4] * (uint32_t)taps[tap].weight;
    }
    out[line * s->out_pitch + at * s->out_step] = ek_step((int32_t)sum, record);
  }
}

#ifdef EK_THUMB
/* Register plan: r8-r11 sums, r0 plane, r1 taps, r2 where a tap's inputs are, r3 weight, r4-r7
 * inputs, r12 end of the taps; afterwards those of EK_STEP, r3 out. On the stack: 0 plane, 4
 * record, 8 where to enter the unrolled taps, 12 taps, 16 outputs left, 20 out, 24 out_step, 28 end
 * of the taps, 32 plane and 36 out of the line, 40 lines left, 44 s. A tap is 11 instructions for
 * four products, 22 bytes. */
#define EK_PLAIN_TAP "ldmia r1!, {r2, r3}\nadds r2, r0\nldmia r2!, {r4-r7}\n" EK_MACS
#define EK_PLAIN_OUT(STEP, sum)          \
  "mov r0, " #sum "\n" STEP              \
  "strb r0, [r3]\nsubs r1, #1\nbeq 4f\n" \
  "ldr r2, [sp, #24]\nadds r3, r2\n"
#define EK_PLAIN_LINE_BODY(STEP, RECORD)                                                                                               \
  __asm volatile(EK_PLAIN_OPEN(                                                                                                        \
      52) "str r0, [sp]\nstr r2, [sp, #4]\nstr r3, [sp, #20]\nldr r3, [sp, #88]\n"                                                     \
          "str r0, [sp, #32]\nldr r4, [sp, #20]\nstr r4, [sp, #36]\nstr r3, [sp, #44]\n"                                               \
          "ldmia r3!, {r4-r7}\nstr r5, [sp, #16]\nstr r6, [sp, #24]\nstr r7, [sp, #40]\n"                                              \
          "lsls r5, r4, #3\nadds r5, r1\nstr r5, [sp, #28]\n"                                                                          \
          "rsbs r5, r4, #0\nmovs r6, #7\nands r5, r6\nstr r1, [sp, #12]\n"                                                             \
          "movs r6, #22\nmuls r6, r5\nadr r7, 2f\nadds r6, r7\nadds r6, #1\nstr r6, [sp, #8]\n"                                        \
          "1: ldr r0, [sp]\nldr r1, [sp, #12]\nldr r3, [sp, #4]\nldr r2, [r3]\n"                                                       \
          "mov r8, r2\nmov r9, r2\nmov r10, r2\nmov r11, r2\n"                                                                         \
          "ldr r2, [sp, #28]\nmov r12, r2\nldr r2, [sp, #8]\nbx r2\n.balign 4\n"                                                       \
          "2:\n" EK_PLAIN_TAP EK_PLAIN_TAP EK_PLAIN_TAP EK_PLAIN_TAP EK_PLAIN_TAP EK_PLAIN_TAP                                         \
                     EK_PLAIN_TAP EK_PLAIN_TAP                                                                                         \
          "cmp r1, r12\nbne 2b\n"                                                                                                      \
          "adds r0, #16\nstr r0, [sp]\nldr r3, [sp, #4]\n" RECORD                                                                      \
          "ldr r3, [sp, #20]\nldr r1, [sp, #16]\n" EK_PLAIN_OUT(STEP, r8) EK_PLAIN_OUT(STEP, r9) EK_PLAIN_OUT(STEP, r10) EK_PLAIN_OUT( \
              STEP,                                                                                                                    \
              r11) "str r3, [sp, #20]\nstr r1, [sp, #16]\nb 1b\n"                                                                      \
                   "4: ldr r3, [sp, #40]\nsubs r3, #1\nbeq 5f\nstr r3, [sp, #40]\nldr r7, [sp, "                                       \
                   "#44]\n"                                                                                                            \
                   "ldr r0, [sp, #32]\nldr r4, [r7, #16]\nadds r0, r4\nstr r0, [sp, #32]\nstr "                                        \
                   "r0, [sp]\n"                                                                                                        \
                   "ldr r1, [sp, #36]\nldr r4, [r7, #20]\nadds r1, r4\nstr r1, [sp, #36]\nstr "                                        \
                   "r1, [sp, #20]\n"                                                                                                   \
                   "ldr r4, [r7, #4]\nstr r4, [sp, #16]\nb 1b\n"                                                                       \
                   "5:\n" EK_PLAIN_CLOSE(52))

EK_NAKED void ek_plain_line_up(const int32_t *plane EK_UNUSED, const ek_plain_tap *taps EK_UNUSED,
                               const ek_stepped *record EK_UNUSED, int8_t *out EK_UNUSED,
                               const ek_plain_line *s EK_UNUSED) {
  EK_PLAIN_LINE_BODY(EK_STEP_UP, EK_RECORD_UP);
}
EK_NAKED void ek_plain_line_away(const int32_t *plane EK_UNUSED, const ek_plain_tap *taps EK_UNUSED,
                                 const ek_stepped *record EK_UNUSED, int8_t *out EK_UNUSED,
                                 const ek_plain_line *s EK_UNUSED) {
  EK_PLAIN_LINE_BODY(EK_STEP_AWAY, EK_RECORD_AWAY);
}
#endif

#ifdef EK_RV32
EK_OPTIMIZED void ek_plain_line_rv32(const int32_t *plane, const ek_plain_tap *taps,
                                     const ek_stepped *record, int8_t *out,
                                     const ek_plain_line *s) {
  const ek_plain_tap *end = taps + s->taps;
  for (int32_t line = 0; line < s->lines; ++line, plane += s->advance / 4, out += s->out_pitch) {
    int8_t *to = out;
    for (int32_t i = 0; i < s->outputs; i += 4) {
      uint32_t sums[4];
      uint32_t a = (uint32_t)record->start, b = a, c = a, d = a;
      for (const ek_plain_tap *tap = taps; tap < end; ++tap) {
        const int32_t *from = plane + i + tap->offset / 4;
        const uint32_t w = (uint32_t)tap->weight;
        a += (uint32_t)from[0] * w;
        b += (uint32_t)from[1] * w;
        c += (uint32_t)from[2] * w;
        d += (uint32_t)from[3] * w;
      }
      sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
      for (int32_t j = 0; j < ek_min(4, s->outputs - i); ++j, to += s->out_step) {
        *to = ek_step((int32_t)sums[j], record);
      }
    }
  }
}
#endif

typedef void (*ek_plain_line_fn)(const int32_t *, const ek_plain_tap *, const ek_stepped *,
                                 int8_t *, const ek_plain_line *);

EK_KERNEL ek_plain_line_fn ek_plain_line_for(int32_t away) {
#ifdef EK_THUMB
  return away ? ek_plain_line_away : ek_plain_line_up;
#elif defined(EK_RV32)
  (void)away;
  return ek_plain_line_rv32;
#else
  (void)away;
  return ek_plain_line_c;
#endif
}

#endif
