/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of four pixels to int16 lanes, in the order in which weights are pruned.
 *
 * ek_expand_pairs: neighbours (0, 1), (2, 3) of each four bytes are a word, so that blocks of two
 * inputs that pruning makes zero are words that can be left out. ek_expand_six: all six pairs of
 * each four bytes, (0, 1) (0, 2) (0, 3) (1, 2) (1, 3) (2, 3), so that any two weights out of four
 * are one word. The rest of a run as in ek_expand_block.h.
 */
#ifndef EK_EXPAND_PAIRS_H
#define EK_EXPAND_PAIRS_H

#include "ek_expand_block.h"

EK_KERNEL int32_t *ek_expand_rest(int32_t *to, const int8_t *const *pixels, int32_t at,
                                  int32_t rest) {
  if (rest & 2) {
    for (int32_t px = 0; px < 4; ++px) *to++ = ek_pair(pixels[px][at], pixels[px][at + 1]);
    at += 2;
  }
  if (rest & 1) {
    for (int32_t px = 0; px < 4; ++px) *to++ = pixels[px][at];
  }
  return to;
}

/* The twin of the assembly. */
EK_NOINLINE int32_t *ek_expand_pairs_c(int32_t *to, const int8_t *const *pixels,
                                       const ek_expand_shape *s) {
  const int32_t pitch = s->words * 4 + s->rest + s->to_next;
  for (int32_t run = 0; run < s->runs; ++run) {
    for (int32_t i = 0; i < s->words; ++i, to += 8) {
      for (int32_t px = 0; px < 4; ++px) {
        const int8_t *from = pixels[px] + run * pitch + 4 * i;
        to[px] = ek_pair(from[0], from[1]);
        to[4 + px] = ek_pair(from[2], from[3]);
      }
    }
    to = ek_expand_rest(to, pixels, run * pitch + 4 * s->words, s->rest);
  }
  return to;
}

/* Four columns of a row into lines: a run's words go `s->runs` bytes apart. The twin. */
EK_NOINLINE void ek_expand_lines_c(int32_t *to, const int8_t *const *pixels,
                                   const ek_expand_shape *s) {
  const int32_t apart = s->runs / 4, end = 4 * s->words + s->rest;
  for (int32_t at = 0; at < end; at += 2, to += apart) {
    for (int32_t px = 0; px < 4; ++px) {
      to[px] = ek_pair(pixels[px][at], at + 1 < end ? pixels[px][at + 1] : 0);
    }
  }
}

/* In C on every core: the compiler has registers enough for one pixel. */
EK_NOINLINE int32_t *ek_expand_six(int32_t *to, const int8_t *const *pixels,
                                   const ek_expand_shape *s) {
  const int32_t pitch = s->words * 4 + s->rest + s->to_next;
  for (int32_t run = 0; run < s->runs; ++run) {
    for (int32_t px = 0; px < 4; ++px) {
      const int8_t *from = pixels[px] + run * pitch;
      int32_t *at = to + px;
      for (int32_t i = 0; i < s->words; ++i, from += 4, at += 24) {
        uint32_t word;
        memcpy(&word, from, sizeof word);
        const uint32_t even = (uint32_t)ek_low_bytes((int32_t)word);
        const uint32_t odd = (uint32_t)ek_low_bytes((int32_t)((word >> 8) | (word << 24)));
        at[0] = (int32_t)((even & 0xFFFFu) | (odd << 16));
        at[4] = (int32_t)even;
        at[8] = (int32_t)((even & 0xFFFFu) | (odd & 0xFFFF0000u));
        at[12] = (int32_t)((odd & 0xFFFFu) | (even & 0xFFFF0000u));
        at[16] = (int32_t)odd;
        at[20] = (int32_t)((even >> 16) | (odd & 0xFFFF0000u));
      }
    }
    to = ek_expand_rest(to + 24 * s->words, pixels, run * pitch + 4 * s->words, s->rest);
  }
  return to;
}

#ifdef EK_DSP
/* Register plan: r0 to, r1 r2 r3 r12 pixels, r4-r11 data, lr the word that is needed twice. Parked:
 * s0 bytes of the whole words, s1 rest, s2 runs, s3 to_next, s4 end of the whole words of r1.
 * 28 instructions for 16 bytes. */
#define EK_EXPAND_SPLIT(even, odd)                        \
  "sxtb16 " #odd ", " #even ", ror #8\nsxtb16 lr, " #even \
  "\n"                                                    \
  "pkhbt " #even ", lr, " #odd ", lsl #16\npkhtb " #odd ", " #odd ", lr, asr #16\n"
EK_NAKED int32_t *ek_expand_pairs_asm(int32_t *to EK_UNUSED, const int8_t *const *pixels EK_UNUSED,
                                      const ek_expand_shape *s EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\n" EK_OPEN
      "ldmia r2, {r4, r5, r6, r7}\n"
      "lsl r4, r4, #2\n" EK_PARK(0, r4) EK_PARK(1, r5) EK_PARK(2, r6) EK_PARK(3, r7)
      "ldmia r1, {r1, r2, r3, r12}\n"
      "1:\n" EK_FETCH(r4, 0)
      "add r5, r1, r4\n" EK_PARK(4, r5)
      "cbz r4, 3f\n"
      "2:\n"
      "ldr r4, [r1], #4\nldr r5, [r2], #4\nldr r6, [r3], #4\nldr r7, [r12], #4\n"
      EK_EXPAND_SPLIT(r4, r8) EK_EXPAND_SPLIT(r5, r9) EK_EXPAND_SPLIT(r6, r10)
      EK_EXPAND_SPLIT(r7, r11)
      "stmia r0!, {r4-r11}\n" EK_FETCH(lr, 4)
      "cmp r1, lr\nbne 2b\n"
      "3:\n" EK_FETCH(r9, 1)
      "tst r9, #2\nbeq 4f\n"
      "ldrsh r4, [r1], #2\nldrsh r5, [r2], #2\nldrsh r6, [r3], #2\nldrsh r7, [r12], #2\n"
      EK_TWO_BYTES(r4) EK_TWO_BYTES(r5) EK_TWO_BYTES(r6) EK_TWO_BYTES(r7)
      "stmia r0!, {r4-r7}\n"
      "4: tst r9, #1\nbeq 5f\n"
      "ldrsb r4, [r1], #1\nldrsb r5, [r2], #1\nldrsb r6, [r3], #1\nldrsb r7, [r12], #1\n"
      "stmia r0!, {r4-r7}\n"
      "5:\n" EK_FETCH2(r4, r5, 2, 3)
      "add r1, r5\nadd r2, r5\nadd r3, r5\nadd r12, r5\n"
      "subs r4, #1\n" EK_PARK(2, r4)
      "bne 1b\n" EK_CLOSE "pop {r4-r11, pc}\n");
}
/* The same plan, but s0 is the distance of lines, s4 the end of the whole words of r1. A last odd
 * byte fills both lanes: its other weights are 0. */
EK_NAKED void ek_expand_lines_asm(int32_t *to EK_UNUSED, const int8_t *const *pixels EK_UNUSED,
                                  const ek_expand_shape *s EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\n" EK_OPEN
      "ldmia r2, {r4, r5, r6}\n"
      EK_PARK(0, r6) EK_PARK(1, r5)
      "ldmia r1, {r1, r2, r3, r12}\n"
      "add r5, r1, r4, lsl #2\n" EK_PARK(4, r5)
      "cbz r4, 3f\n"
      "2:\n"
      "ldr r4, [r1], #4\nldr r5, [r2], #4\nldr r6, [r3], #4\nldr r7, [r12], #4\n"
      EK_EXPAND_SPLIT(r4, r8) EK_EXPAND_SPLIT(r5, r9) EK_EXPAND_SPLIT(r6, r10)
      EK_EXPAND_SPLIT(r7, r11) EK_FETCH(lr, 0)
      "stmia r0, {r4-r7}\nadd r0, lr\nstmia r0, {r8-r11}\nadd r0, lr\n" EK_FETCH(lr, 4)
      "cmp r1, lr\nbne 2b\n"
      "3:\n" EK_FETCH2(lr, r9, 0, 1)
      "tst r9, #2\nbeq 4f\n"
      "ldrsh r4, [r1], #2\nldrsh r5, [r2], #2\nldrsh r6, [r3], #2\nldrsh r7, [r12], #2\n"
      EK_TWO_BYTES(r4) EK_TWO_BYTES(r5) EK_TWO_BYTES(r6) EK_TWO_BYTES(r7)
      "stmia r0, {r4-r7}\nadd r0, lr\n"
      "4: tst r9, #1\nbeq 5f\n"
      "ldrsb r4, [r1]\nldrsb r5, [r2]\nldrsb r6, [r3]\nldrsb r7, [r12]\n"
      "stmia r0, {r4-r7}\n"
      "5:\n" EK_CLOSE "pop {r4-r11, pc}\n");
}
#endif

EK_KERNEL void ek_expand_lines(int32_t *to, const int8_t *const *pixels, const ek_expand_shape *s) {
#ifdef EK_DSP
  ek_expand_lines_asm(to, pixels, s);
#else
  ek_expand_lines_c(to, pixels, s);
#endif
}

EK_KERNEL ek_expand_fn ek_expand_pairs_for(int32_t six) {
#ifdef EK_DSP
  return six ? ek_expand_six : ek_expand_pairs_asm;
#else
  return six ? ek_expand_six : ek_expand_pairs_c;
#endif
}

#endif
