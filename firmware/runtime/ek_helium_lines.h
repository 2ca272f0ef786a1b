/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of outputs of a 3x3 depthwise convolution from columns, with Helium (ek_helium_columns.h).
 *
 * `record` of a channel: 24 bytes with the kernel's taps from byte 5 on, line by line within a
 * column of four, zeros around them, then bias, multiplier, shift. Stride 1 makes two output lines
 * at a time: of a patch the outputs (0, 0), (1, 0), (0, 1), (1, 1), that is 2 x 4 in all; stride 2
 * makes one line, eight outputs at a time. Lane 2k holds output k, lane 2k + 1 output 4 + k.
 */
#ifndef EK_HELIUM_LINES_H
#define EK_HELIUM_LINES_H

#include "ek_helium_columns.h"

#define EK_HELIUM_RECORD 9

/* First byte of the table that output k of eight reads, and the shift of its taps in bytes. */
EK_KERNEL int32_t ek_helium_patch(int32_t k, int32_t stride) {
  return stride == 2 ? 8 * k : 8 * (k / 4);
}
EK_KERNEL int32_t ek_helium_shift(int32_t k, int32_t stride) {
  return stride == 2 ? 0 : k % 2 + k / 2 % 2 * 4;
}

/* The twin. */
EK_KERNEL void ek_helium_lines_c(int8_t *out, const int32_t *record, const ek_helium_lines *s,
                                 int32_t stride, int32_t away) {
  const int8_t *taps = (const int8_t *)record + 5;
  const ek_helium_finish finish = {record[6], record[7], record[8]};
  for (int32_t strip = 0; strip < s->count; ++strip) {
    for (int32_t i = 0; i < 8 * s->groups; ++i) {
      const int32_t group = i / 8, k = i % 8, lane = k % 4 * 2 + k / 4;
      int32_t mask = strip + 1 == s->count ? s->last_strip : s->all;
      mask &= group + 1 == s->groups ? s->last_group : s->all;
      if (!(mask >> (2 * lane) & 1)) continue;
      const int8_t *from = s->table + strip * s->strip_bytes + group * (stride == 2 ? 64 : 16);
      int32_t sum = 0;
      for (int32_t tap = 0; tap < 11; ++tap) {
        sum += taps[tap] * from[ek_helium_patch(k, stride) + ek_helium_shift(k, stride) + tap];
      }
      out[strip * s->out_strip + group * s->advance + s->offsets[lane]] =
          ek_helium_narrow(sum, &finish, s->zero_point, away);
    }
  }
}

#ifdef EK_HELIUM
/* Register plan: r0 r2 ... r12 lr eight sums; r1 table, r3 bias, r5 multiplier, r7 out, r9 shift,
 * r11 groups left; q0-q3 taps, at (0, 0), (1, 0), (0, 1), (1, 1) of a patch; q4 q5 patches, then
 * sums; q7 where outputs go. On the stack: 0 zero point, 4 advance, 8 strips left, 12 out, 16
 * table, 20 s, 24 mask. 30 instructions for eight outputs of stride 1, 36 of stride 2. */
#define EK_LINES_STEP_1                                                                        \
  "vldrb.8 q4, [r1], #8\nvmladav.s8 r0, q0, q4\nvldrb.8 q5, [r1], #8\nvmladav.s8 r2, q1, q4\n" \
  "vmladav.s8 r4, q2, q4\nvmladav.s8 r6, q3, q4\nvmladav.s8 r8, q0, q5\n"                      \
  "vmladav.s8 r10, q1, q5\nvmladav.s8 r12, q2, q5\nvmladav.s8 lr, q3, q5\n"
#define EK_LINES_TWO(a, b)                                                                \
  "vldrb.8 q4, [r1], #8\nvmladav.s8 " #a ", q0, q4\nvldrb.8 q5, [r1], #8\nvmladav.s8 " #b \
  ", q0, q5\n"
#define EK_LINES_STEP_2 \
  EK_LINES_TWO(r0, r2) EK_LINES_TWO(r4, r6) EK_LINES_TWO(r8, r10) EK_LINES_TWO(r12, lr)
#define EK_LINES_UP
#define EK_LINES_AWAY                           \
  "vshr.s32 q6, q4, #31\nvadd.i32 q4, q4, q6\n" \
  "vshr.s32 q6, q5, #31\nvadd.i32 q5, q5, q6\n"
#define EK_LINES_BODY(STEP, AWAY)                                                                \
  __asm volatile(EK_HELIUM_OPEN(                                                                 \
      32) "ldr r4, [r2, #48]\nldr r5, [r2, #40]\nstrd r4, r5, [sp]\n"                            \
          "ldr r4, [r2, #8]\nstr r4, [sp, #8]\nstr r0, [sp, #12]\n"                              \
          "ldr r4, [r2]\nstrd r4, r2, [sp, #16]\nvldrh.u16 q7, [r2, #64]\n"                      \
          "adds r4, r1, #1\nvldrb.8 q0, [r4, #4]\nvldrb.8 q1, [r1, #4]\n"                        \
          "vldrb.8 q2, [r4]\nvldrb.8 q3, [r1]\n"                                                 \
          "ldr r3, [r1, #24]\nldr r5, [r1, #28]\nldr r9, [r1, #32]\n"                            \
          "1: ldrd r1, r10, [sp, #16]\nldrd r8, r7, [sp, #8]\nldr r11, [r10, #36]\n"             \
          "ldrd r4, r6, [r10, #52]\ncmp r8, #1\nit eq\nmoveq r4, r6\nstr r4, [sp, #24]\n"        \
          "vmsr p0, r4\n"                                                                        \
          "subs r11, #1\nbeq 4f\n"                                                               \
          "3:\n" STEP                                                                            \
          "vmov q4[2], q4[0], r0, r4\nvmov q4[3], q4[1], r2, r6\n"                               \
          "vmov q5[2], q5[0], r8, r12\nvmov q5[3], q5[1], r10, lr\nldrd r0, r2, [sp]\n"          \
          "vadd.i32 q4, q4, r3\nvadd.i32 q5, q5, r3\n"                                           \
          "vqrdmulh.s32 q4, q4, r5\nvqrdmulh.s32 q5, q5, r5\n" AWAY                              \
          "vrshl.s32 q4, r9\nvrshl.s32 q5, r9\n"                                                 \
          "vqmovnb.s32 q4, q4\nvqmovnt.s32 q4, q5\nvqadd.s16 q4, q4, r0\nvqmovnb.s16 q4, q4\n"   \
          "vpst\nvstrbt.16 q4, [r7, q7]\nadd r7, r2\n"                                           \
          "subs r11, #1\nbgt 3b\nbeq 4f\n"                                                       \
          "ldrd r1, r10, [sp, #16]\nldrd r8, r7, [sp, #8]\nldr r4, [r10, #44]\nadd r7, r4\n"     \
          "ldr r4, [r10, #20]\nadd r1, r4\nstr r1, [sp, #16]\n"                                  \
          "subs r8, #1\nstrd r8, r7, [sp, #8]\nbne 1b\n" EK_HELIUM_CLOSE(                        \
              32) "4: ldrd r10, r4, [sp, #20]\nldr r6, [r10, #60]\nands r4, r6\nvmsr p0, r4\nb " \
                  "3b\n")
#define EK_LINES_FUNCTION(name, STEP, AWAY)                                  \
  EK_NAKED void name(int8_t *out EK_UNUSED, const int32_t *record EK_UNUSED, \
                     const ek_helium_lines *s EK_UNUSED) {                   \
    EK_LINES_BODY(STEP, AWAY);                                               \
  }
EK_LINES_FUNCTION(ek_helium_lines_1_up, EK_LINES_STEP_1, EK_LINES_UP)
EK_LINES_FUNCTION(ek_helium_lines_1_away, EK_LINES_STEP_1, EK_LINES_AWAY)
EK_LINES_FUNCTION(ek_helium_lines_2_up, EK_LINES_STEP_2, EK_LINES_UP)
EK_LINES_FUNCTION(ek_helium_lines_2_away, EK_LINES_STEP_2, EK_LINES_AWAY)
#else
EK_NOINLINE void ek_helium_lines_1_up(int8_t *out, const int32_t *r, const ek_helium_lines *s) {
  ek_helium_lines_c(out, r, s, 1, 0);
}
EK_NOINLINE void ek_helium_lines_1_away(int8_t *out, const int32_t *r, const ek_helium_lines *s) {
  ek_helium_lines_c(out, r, s, 1, 1);
}
EK_NOINLINE void ek_helium_lines_2_up(int8_t *out, const int32_t *r, const ek_helium_lines *s) {
  ek_helium_lines_c(out, r, s, 2, 0);
}
EK_NOINLINE void ek_helium_lines_2_away(int8_t *out, const int32_t *r, const ek_helium_lines *s) {
  ek_helium_lines_c(out, r, s, 2, 1);
}
#endif

typedef void (*ek_helium_lines_fn)(int8_t *, const int32_t *, const ek_helium_lines *);

/* Constants at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_helium_lines_fn ek_helium_lines_for(int32_t stride, int32_t away) {
  if (stride == 1) return away ? ek_helium_lines_1_away : ek_helium_lines_1_up;
  return away ? ek_helium_lines_2_away : ek_helium_lines_2_up;
}

#endif
