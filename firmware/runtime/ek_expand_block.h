/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of four pixels to int16 lanes, interleaved as ek_dense_block.h reads them.
 *
 * Of each four bytes of a pixel the lanes are (0, 2) and (1, 3); of the rest of a run, two bytes
 * are one word (0, 1) and a last byte is one word whose other lane is unused: its weights are 0.
 */
#ifndef EK_EXPAND_BLOCK_H
#define EK_EXPAND_BLOCK_H

#include "ek_lanes.h"

typedef struct {
  int32_t words;   /* whole words of a run, bytes / 4 */
  int32_t rest;    /* bytes % 4 */
  int32_t runs;    /* runs to read from each pixel, at least 1 */
  int32_t to_next; /* bytes from the end of a run to the start of the next */
} ek_expand_shape;

/* `runs` runs of `bytes` at a distance of `pitch` bytes. */
EK_KERNEL ek_expand_shape ek_expand_shape_of(int32_t bytes, int32_t runs, int32_t pitch) {
  const ek_expand_shape shape = {bytes / 4, bytes % 4, runs, pitch - bytes};
  return shape;
}

/* The twin. `pixels` are four pointers; returns the end of what it wrote. */
EK_NOINLINE int32_t *ek_expand_block_c(int32_t *to, const int8_t *const *pixels,
                                       const ek_expand_shape *s) {
  const int32_t pitch = s->words * 4 + s->rest + s->to_next;
  for (int32_t run = 0; run < s->runs; ++run) {
    for (int32_t i = 0; i < s->words; ++i, to += 8) {
      for (int32_t px = 0; px < 4; ++px) {
        const int8_t *from = pixels[px] + run * pitch + 4 * i;
        to[px] = ek_pair(from[0], from[2]);
        to[4 + px] = ek_pair(from[1], from[3]);
      }
    }
    if (s->rest & 2) {
      for (int32_t px = 0; px < 4; ++px) {
        const int8_t *from = pixels[px] + run * pitch + 4 * s->words;
        *to++ = ek_pair(from[0], from[1]);
      }
    }
    if (s->rest & 1) {
      const int32_t last = run * pitch + 4 * s->words + (s->rest & 2);
      for (int32_t px = 0; px < 4; ++px) *to++ = pixels[px][last];
    }
  }
  return to;
}

#ifdef EK_DSP
/* Register plan: r0 to, r1 r2 r3 r12 pixels, lr words left, r4-r11 data. Parked: s0 words,
 * s1 rest, s2 runs, s3 to_next. 15 instructions for 16 bytes. */
#define EK_TWO_BYTES(r) \
  "asr r8, " #r ", #8\nsxtb " #r ", " #r "\npkhbt " #r ", " #r ", r8, lsl #16\n"
EK_NAKED int32_t *ek_expand_block_asm(int32_t *to EK_UNUSED, const int8_t *const *pixels EK_UNUSED,
                                      const ek_expand_shape *s EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\n" EK_OPEN
      "ldmia r2, {r4, r5, r6, r7}\n" EK_PARK(0, r4) EK_PARK(1, r5) EK_PARK(2, r6) EK_PARK(3, r7)
      "ldmia r1, {r1, r2, r3, r12}\n"
      "1:\n" EK_FETCH(lr, 0)
      "cbz r4, 3f\n" /* r4 holds words on the first run; later runs set it */
      "2:\n"
      "ldr r4, [r1], #4\nldr r5, [r2], #4\nldr r6, [r3], #4\nldr r7, [r12], #4\n"
      "sxtb16 r8, r4, ror #8\nsxtb16 r9, r5, ror #8\n"
      "sxtb16 r10, r6, ror #8\nsxtb16 r11, r7, ror #8\n"
      "sxtb16 r4, r4\nsxtb16 r5, r5\nsxtb16 r6, r6\nsxtb16 r7, r7\n"
      "stmia r0!, {r4-r11}\n"
      "subs lr, #1\nbne 2b\n"
      "3:\n" EK_FETCH(r4, 1)
      "cbz r4, 5f\nmov r9, r4\n"
      "tst r9, #2\nbeq 4f\n"
      "ldrsh r4, [r1], #2\nldrsh r5, [r2], #2\nldrsh r6, [r3], #2\nldrsh r7, [r12], #2\n"
      EK_TWO_BYTES(r4) EK_TWO_BYTES(r5) EK_TWO_BYTES(r6) EK_TWO_BYTES(r7)
      "stmia r0!, {r4-r7}\n"
      "4: tst r9, #1\nbeq 5f\n"
      "ldrsb r4, [r1], #1\nldrsb r5, [r2], #1\nldrsb r6, [r3], #1\nldrsb r7, [r12], #1\n"
      "stmia r0!, {r4-r7}\n"
      "5:\n" EK_FETCH2(r4, r5, 2, 3)
      "subs r4, #1\nbeq 6f\n" EK_PARK(2, r4)
      "add r1, r5\nadd r2, r5\nadd r3, r5\nadd r12, r5\n" EK_FETCH(r4, 0)
      "b 1b\n"
      "6:\n" EK_CLOSE "pop {r4-r11, pc}\n");
}
#endif

/* What expands four pixels; returns the end of what it wrote. */
typedef int32_t *(*ek_expand_fn)(int32_t *, const int8_t *const *, const ek_expand_shape *);

EK_KERNEL ek_expand_fn ek_expand_block_fn(void) {
#ifdef EK_DSP
  return ek_expand_block_asm;
#else
  return ek_expand_block_c;
#endif
}

#endif
