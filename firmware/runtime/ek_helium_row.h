/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of 3x3 convolutions of stride 1 with Helium: four pixels of a row times two channels.
 *
 * Six neighbouring columns of 16 inputs serve three taps of four pixels. `lines` point at lines of
 * such columns: per kernel row and 16 input channels the columns from the first pixel's left tap
 * on. `stream`, per two channels: biases, multipliers, shifts, then per line and tap 16 weights of
 * each.
 */
#ifndef EK_HELIUM_ROW_H
#define EK_HELIUM_ROW_H

#include "ek_helium.h"

typedef struct {
  const int8_t *const *lines;
  int32_t count; /* lines, at least 2 */
  int32_t twos;  /* of channels, at least 1 */
  int32_t quads; /* of pixels, at least 1 */
  int32_t out_c;
  int32_t zero_point;
  int32_t last; /* mask of the last quad's outputs: four bits a pixel */
} ek_helium_row;

/* The twin. */
EK_NOINLINE void ek_helium_row_c(const int32_t *stream, int8_t *out, const ek_helium_row *s,
                                 int32_t away) {
  for (int32_t two = 0; two < s->twos; ++two, out += 2, stream += 6 + 24 * s->count) {
    for (int32_t i = 0; i < 8 * s->quads; ++i) {
      const int32_t px = i / 2, c = i % 2;
      const ek_helium_finish finish = {stream[c], stream[2 + c], stream[4 + c]};
      const int8_t *weights = (const int8_t *)(stream + 6) + 16 * c;
      if (px / 4 + 1 == s->quads && !(s->last >> (px % 4 * 4) & 1)) continue;
      int32_t sum = 0;
      for (int32_t k = 0; k < 48 * s->count; ++k) {
        sum += s->lines[k / 48][16 * px + k % 48] * weights[k / 16 * 32 + k % 16];
      }
      out[px * s->out_c + c] = ek_helium_narrow(sum, &finish, s->zero_point, away);
    }
  }
}

#ifdef EK_HELIUM
/* Register plan: r0 r2 r4 r6 sums of four pixels of the first channel, r8 r10 r12 lr of the second;
 * r1 weights, r3 a line, r5 the next line's pointer, r7 bytes to the quad's columns, r9 end of the
 * pointers, r11 the channels' constants; q0-q5 columns, q6 q7 weights. On the stack: 0 zero
 * point, 4 bytes to the next quad's outputs, 8 out, 16 lines, 20 bytes to the last quad, 24 twos
 * left, 28 out of the first quad, 32 s, 40 offsets of the eight outputs. A line is 40
 * instructions for 384 products. */
#define EK_ROW_TAP(MAC, a, b, c, d)                                                           \
  "vldrb.8 q6, [r1], #16\n" MAC " r0, q6, " #a "\nvldrb.8 q7, [r1], #16\n" MAC " r8, q7, " #a \
  "\n" MAC " r2, q6, " #b "\n" MAC " r10, q7, " #b "\n" MAC " r4, q6, " #c "\n" MAC           \
  " r12, q7, " #c "\n" MAC " r6, q6, " #d "\n" MAC " lr, q7, " #d "\n"
#define EK_ROW_LINE(FIRST) \
  "ldr r3, [r5], #4\nadd r3, r7\nvldrb.8 q0, [r3]\nvldrb.8 q1, [r3, #16]\n"                       \
  "vldrb.8 q2, [r3, #32]\nvldrb.8 q3, [r3, #48]\n" EK_ROW_TAP(                                    \
      FIRST,                                                                                      \
      q0, q1, q2, q3) "vldrb.8 q4, [r3, #64]\n" EK_ROW_TAP("vmladava.s8", q1, q2, q3,             \
                                                           q4) "vldrb.8 q5, [r3, "                \
                                                               "#80]\n" EK_ROW_TAP("vmladava.s8", \
                                                                                   q2, q3, q4, q5)
#define EK_ROW_BODY(AWAY) \
  __asm volatile(EK_HELIUM_OPEN(56)                                                            \
      "mov r11, r0\nldmia r2, {r3-r8}\nstr r3, [sp, #16]\nstr r5, [sp, #24]\n"                 \
      "strd r1, r2, [sp, #28]\nlsl r10, r7, #2\nstrd r8, r10, [sp]\n"                          \
      "add r9, r3, r4, lsl #2\nsubs r6, #1\nlsls r6, r6, #6\nstr r6, [sp, #20]\n"              \
      "movs r0, #0\nvidup.u16 q0, r0, #1\nmovs r0, #1\nvdup.16 q1, r0\nvand q1, q1, q0\n"      \
      "vshr.u16 q0, q0, #1\nvmul.i16 q0, q0, r7\nvadd.i16 q0, q0, q1\nvstrh.16 q0, [sp, #40]\n" \
      "1: ldr r4, [sp, #28]\n"         \
      "movw r6, #65535\nvmsr p0, r6\nstr r4, [sp, #8]\nmovs r7, #0\n"                          \
      "ldr r4, [sp, #20]\ncmp r4, #0\nbeq 5f\n"                           \
      "3: ldr r5, [sp, #16]\nadd r1, r11, #24\n" EK_ROW_LINE("vmladav.s8")                     \
      "4:\n" EK_ROW_LINE("vmladava.s8") "cmp r5, r9\nbne 4b\n"                                 \
      "vmov q0[2], q0[0], r0, r4\nvmov q0[3], q0[1], r2, r6\n"                                 \
      "vmov q1[2], q1[0], r8, r12\nvmov q1[3], q1[1], r10, lr\n"                               \
      "ldmia r11, {r0, r2, r4, r6, r8, r10}\nvadd.i32 q0, q0, r0\nvadd.i32 q1, q1, r2\n"       \
      "vqrdmulh.s32 q0, q0, r4\nvqrdmulh.s32 q1, q1, r6\n" AWAY                                \
      "vrshl.s32 q0, r8\nvrshl.s32 q1, r10\n"                                                  \
      "ldmia sp, {r0, r2, r4}\nvldrh.u16 q2, [sp, #40]\n"                                      \
      EK_HELIUM_BYTES(r0) "vpst\nvstrbt.16 q0, [r4, q2]\n"                                     \
      "add r4, r2\nstr r4, [sp, #8]\nadds r7, #64\nldr r4, [sp, #20]\ncmp r7, r4\n" \
      "blt 3b\nbeq 5f\n"     \
      "mov r11, r1\nldr r4, [sp, #28]\nadds r4, #2\nstr r4, [sp, #28]\n"                       \
      "ldr r4, [sp, #24]\nsubs r4, #1\nstr r4, [sp, #24]\nbne 1b\n" EK_HELIUM_CLOSE(56)        \
      "5: ldr r2, [sp, #32]\nldr r4, [r2, #24]\nvmsr p0, r4\nb 3b\n")
EK_NAKED void ek_helium_row_up(const int32_t *stream EK_UNUSED, int8_t *out EK_UNUSED,
                               const ek_helium_row *s EK_UNUSED) {
  EK_ROW_BODY(EK_HELIUM_UP);
}
EK_NAKED void ek_helium_row_away(const int32_t *stream EK_UNUSED, int8_t *out EK_UNUSED,
                                 const ek_helium_row *s EK_UNUSED) {
  EK_ROW_BODY(EK_HELIUM_AWAY);
}
#endif

/* `away` is a constant at each call, so that a model holds only the variants it needs. */
EK_KERNEL void ek_helium_row_run(const int32_t *stream, int8_t *out, const ek_helium_row *s,
                                 int32_t away) {
#ifdef EK_HELIUM
  if (away) {
    ek_helium_row_away(stream, out, s);
  } else {
    ek_helium_row_up(stream, out, s);
  }
#else
  ek_helium_row_c(stream, out, s, away);
#endif
}

#endif
