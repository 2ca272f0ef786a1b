/* SPDX-License-Identifier: Apache-2.0 */
/* DEPTHWISE_CONV_2D of any kernel and dilation: as ek_depthwise_planes.h, with the taps in memory.
 *
 * `record`: bias, high, scale (ek_narrow), then words of two taps, `steps` for each kernel line.
 * With stride 1 along lines they come in twos: taps (0, 1), (2, 3) ... for outputs at even places,
 * (nothing, 0), (1, 2) ... for those at odd ones. Dilation along lines is taps of 0 between.
 */
#ifndef EK_DEPTHWISE_TAPS_H
#define EK_DEPTHWISE_TAPS_H

#include "ek_depthwise_planes.h"

/* The twin; `stride` along the line is 1 or 2. */
EK_KERNEL void ek_depthwise_taps_c(const int32_t *plane, int8_t *out, const int32_t *record,
                                   const ek_depthwise_shape *s, int32_t stride) {
  for (int32_t line = 0; line < s->lines; ++line) {
    for (int32_t x = 0; x < 4 * s->fours + s->rest; ++x) {
      const int32_t *from = plane + line * s->advance / 4 + x * stride / 2;
      const int32_t *taps = record + 3 + (stride == 1 ? x % 2 : 0);
      int32_t acc = record[0];
      for (int32_t ky = 0; ky < s->k_lines; ++ky, from += s->gap / 4) {
        for (int32_t i = 0; i < s->steps; ++i, taps += 3 - stride)
          acc = ek_smlad(*from++, *taps, acc);
      }
      out[line * s->out_pitch + x * s->out_step] =
          ek_narrow(acc, record[1], record[2], &s->narrowing);
    }
  }
}
EK_NOINLINE void ek_depthwise_taps_c1(const int32_t *plane, int8_t *out, const int32_t *record,
                                      const ek_depthwise_shape *s) {
  ek_depthwise_taps_c(plane, out, record, s, 1);
}
EK_NOINLINE void ek_depthwise_taps_c2(const int32_t *plane, int8_t *out, const int32_t *record,
                                      const ek_depthwise_shape *s) {
  ek_depthwise_taps_c(plane, out, record, s, 2);
}

#ifdef EK_DSP
/* Register plan: r4-r7 four outputs, r8 r9 (r3 r10) inputs, r2 (r3) taps, r0 where inputs are, lr
 * where taps are, r1 gap, r11 end of the taps, r12 where to enter the unrolled steps of a line.
 * Parked: s0 bias, s1 taps, s3 zero point, s4 high, s5 scale, s6 out, s7 out_step, s8 out_pitch, s9
 * bytes from behind the last kernel line to the next output line, s10 where r0 is behind the last
 * line, s11 s12 r0 and out of the next column, s13 fours left, s14 rest, s15 bytes of all lines. */
#define EK_TAPS_STEP_1                             \
  "ldrd r2, r3, [lr], #8\nldrd r8, r9, [r0], #4\n" \
  "smlad r4, r8, r2, r4\nsmlad r5, r8, r3, r5\n"   \
  "smlad r6, r9, r2, r6\nsmlad r7, r9, r3, r7\n"
#define EK_TAPS_STEP_2                                                \
  "ldr.w r2, [lr], #4\nldmia.w r0, {r3, r8, r9, r10}\nadd.w r0, #4\n" \
  "smlad r4, r3, r2, r4\nsmlad r5, r8, r2, r5\n"                      \
  "smlad r6, r9, r2, r6\nsmlad r7, r10, r2, r7\n"
#define EK_TAPS_BODY(STEP, STRIDE, BYTES, AWAY) \
  __asm volatile(                                                                            \
      "push {r4-r11, lr}\n" EK_OPEN "ldmia r3!, {r4-r11}\n" EK_PARK(7, r5) EK_PARK(8, r6)    \
      EK_PARK(13, r8) EK_PARK(14, r9) EK_PARK(3, r11) EK_PARK(11, r0) EK_PARK(12, r1)        \
      "mul r10, r10, r7\n" EK_PARK(15, r10)                                                  \
      "ldmia r3, {r3, r5, r6, r8}\n" /* away, kernel lines, steps, gap */                    \
      "mov r1, r8\nadd r8, r8, r6, lsl #2\nmls r7, r8, r5, r7\n" EK_PARK(9, r7)              \
      "ldmia r2!, {r10, r11, r12}\n" EK_PARK(0, r10) EK_PARK(4, r11) EK_PARK(5, r12)         \
      EK_PARK(1, r2)                                                                         \
      "mul r5, r5, r6\nadd r11, r2, r5, lsl #(4 - " #STRIDE ")\n"                            \
      "rsb r6, r6, #8\nmov r5, #" #BYTES "\nadr r12, 4f\nmla r12, r6, r5, r12\n"             \
      "orr r12, r12, #1\n"                                                                   \
      "1:\n" EK_FETCH(r3, 13) "subs r3, #1\n" EK_PARK(13, r3) "bge 2f\n"                     \
      "adds r3, #1\nbne 8f\n" EK_FETCH(r3, 14) "cmp r3, #0\nbeq 8f\n"                        \
      "2:\n" EK_FETCH2(r0, r2, 11, 12) EK_FETCH(r3, 15) "add r8, r0, r3\n" EK_PARK(10, r8)   \
      "add r3, r0, #8*" #STRIDE "\n" EK_PARK(11, r3) EK_PARK(6, r2) EK_FETCH(r3, 7)          \
      "add r2, r2, r3, lsl #2\n" EK_PARK(12, r2)                                             \
      "3:\n" EK_FETCH2(r4, lr, 0, 1) "mov r5, r4\nmov r6, r4\nmov r7, r4\nbx r12\n"          \
      ".balign 4\n"                                                                          \
      "4:\n" STEP STEP STEP STEP STEP STEP STEP STEP                                         \
      "add r0, r1\ncmp lr, r11\nit ne\nbxne r12\n" EK_FETCH2(r2, r3, 4, 5) EK_FETCH(r8, 3)   \
      EK_NARROW_4(AWAY, r4, r5, r6, r7, r2, r3, r8) EK_FETCH2(r2, r3, 6, 7)                  \
      EK_FETCH(r8, 13) "strb r4, [r2]\ncmp r8, #0\nblt 6f\n"                                 \
      "add r9, r2, r3, lsl #1\nstrb r5, [r2, r3]\nstrb r6, [r9]\nstrb r7, [r9, r3]\n"        \
      "5:\n" EK_FETCH2(r3, r8, 8, 9) "add r2, r3\nadd r0, r8\n" EK_PARK(6, r2)               \
      EK_FETCH(r3, 10) "cmp r0, r3\nbne 3b\nb 1b\n"                                          \
      "6:\n" EK_FETCH(r8, 14) "cmp r8, #2\nblt 5b\nstrb r5, [r2, r3]\nbeq 5b\n"              \
      "add r9, r2, r3, lsl #1\nstrb r6, [r9]\nb 5b\n"                                        \
      "8:\n" EK_CLOSE "pop {r4-r11, pc}\n")
#define EK_TAPS_FUNCTION(name, ...)                                                            \
  EK_NAKED void name(const int32_t *plane EK_UNUSED, int8_t *out EK_UNUSED,                    \
                     const int32_t *record EK_UNUSED, const ek_depthwise_shape *s EK_UNUSED) { \
    EK_TAPS_BODY(__VA_ARGS__);                                                                 \
  }
EK_TAPS_FUNCTION(ek_depthwise_taps_1_up, EK_TAPS_STEP_1, 1, 24, EK_UP)
EK_TAPS_FUNCTION(ek_depthwise_taps_1_away, EK_TAPS_STEP_1, 1, 24, EK_AWAY)
EK_TAPS_FUNCTION(ek_depthwise_taps_2_up, EK_TAPS_STEP_2, 2, 28, EK_UP)
EK_TAPS_FUNCTION(ek_depthwise_taps_2_away, EK_TAPS_STEP_2, 2, 28, EK_AWAY)
#endif

/* Constants at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_depthwise_lines_fn ek_depthwise_taps_for(int32_t stride, int32_t away) {
#ifdef EK_DSP
  if (stride == 1) return away ? ek_depthwise_taps_1_away : ek_depthwise_taps_1_up;
  return away ? ek_depthwise_taps_2_away : ek_depthwise_taps_2_up;
#else
  (void)away;
  return stride == 1 ? ek_depthwise_taps_c1 : ek_depthwise_taps_c2;
#endif
}

typedef ek_depthwise_planes_params ek_depthwise_taps_params;

EK_KERNEL void ek_depthwise_taps(const ek_depthwise_taps_params *p, const int8_t *in, int8_t *out,
                                 const int32_t *records, void *scratch) {
  ek_depthwise_planes_all(p, in, out, records, scratch, ek_depthwise_taps_for(p->stride, p->away));
}

#endif
