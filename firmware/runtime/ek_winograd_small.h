/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 CONV_2D of stride 1 by Winograd F(4x4, 3x3) with int8 filters in flash, which are transformed
 * for one pair of output channels at a time.
 *
 * `filters`: [output channel][four inputs][9 taps] words of four bytes.
 */
#ifndef EK_WINOGRAD_SMALL_H
#define EK_WINOGRAD_SMALL_H

#include "ek_winograd_passes.h"

typedef ek_winograd_params ek_winograd_small_params;

/* Nine words of four inputs to rows `first` .. of their transformed tiles: the tile of lanes (0, 2)
 * at u, that of lanes (1, 3) two words behind, positions `step` bytes apart. */
typedef struct {
  int32_t step, first, rows;
} ek_filter_shape;

EK_KERNEL void ek_filter_vector(const int32_t *g, int32_t by, int32_t t[6]) {
  const int32_t g0 = g[0], g1 = g[by], g2 = g[2 * by];
  t[0] = g0;
  t[1] = g0 + g1 + g2;
  t[2] = g0 - g1 + g2;
  t[3] = g0 + 2 * g1 + 4 * g2;
  t[4] = g0 - 2 * g1 + 4 * g2;
  t[5] = g2;
}

/* The twin. */
EK_NOINLINE void ek_filter_four_c(const int32_t *raw, int32_t *u, const ek_filter_shape *s) {
  for (int32_t lane = 0; lane < 4; ++lane) {
    int32_t taps[9], columns[18], row[6];
    for (int32_t i = 0; i < 9; ++i) {
      taps[i] = (int8_t)((uint32_t)raw[i] >> (8 * lane) & 0xFFu);
    }
    for (int32_t x = 0; x < 3; ++x) ek_filter_vector(taps + x, 3, columns + 6 * x);
    for (int32_t i = 0; i < 6 * s->rows; ++i) {
      if (i % 6 == 0) ek_filter_vector(columns + s->first + i / 6, 6, row);
      int32_t *to = u + i * s->step / 4 + lane % 2 * 2;
      *to = lane < 2 ? ek_pair(row[i % 6], 0) : ek_pair(ek_lane0(*to), row[i % 6]);
    }
  }
}

#ifdef EK_DSP
/* Register plan: three taps in two lanes and their six results in r4-r11; r0 raw and then u, r1 u,
 * r2 step, r3 first, r12 the columns' results on the stack, lr their end and then rows left.
 * Results of columns lie [lane pair][row][column]; of half a tile only those that its rows need. */
#define EK_FILTER_LOW(g0, g1, g2, base)              \
  "sadd16 r10, " #g0 ", " #g2                        \
  "\n"                                               \
  "str " #g0 ", [r12, #" #base                       \
  "]\n"                                              \
  "sadd16 r11, r10, " #g1 "\nstr r11, [r12, #" #base \
  "+12]\n"                                           \
  "ssub16 r10, r10, " #g1 "\nstr r10, [r12, #" #base "+24]\n"
#define EK_FILTER_HIGH(g0, g1, g2, base)                 \
  "sadd16 r11, " #g2 ", " #g2                            \
  "\n"                                                   \
  "sadd16 r11, r11, r11\n"                               \
  "sadd16 r11, " #g0                                     \
  ", r11\n"                                              \
  "sadd16 r10, " #g1 ", " #g1                            \
  "\n"                                                   \
  "str " #g2 ", [r12, #" #base                           \
  "+60]\n"                                               \
  "sadd16 " #g0 ", r11, r10\nstr " #g0 ", [r12, #" #base \
  "+36]\n"                                               \
  "ssub16 r11, r11, r10\nstr r11, [r12, #" #base "+48]\n"
#define EK_FILTER_BOTH(g0, g1, g2, base) \
  EK_FILTER_LOW(g0, g1, g2, base) EK_FILTER_HIGH(g0, g1, g2, base)
#define EK_FILTER_COLUMNS(at, half) \
#at ":\n"                                                                                \
  "ldr r5, [r0, #12]\nldr r6, [r0, #24]\nldr r4, [r0], #4\n"                              \
  "sxtb16 r7, r4\nsxtb16 r8, r5\nsxtb16 r9, r6\n" half(r7, r8, r9, 0)                     \
  "sxtb16 r4, r4, ror #8\nsxtb16 r5, r5, ror #8\nsxtb16 r6, r6, ror #8\n"                 \
  half(r4, r5, r6, 72) "adds r12, #4\ncmp r12, lr\nbne " #at "b\n"
EK_NAKED void ek_filter_four_asm(const int32_t *raw EK_UNUSED, int32_t *u EK_UNUSED,
                                 const ek_filter_shape *s EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "sub sp, #148\n"
      "ldmia r2, {r2, r3, r4}\n"
      "str r4, [sp, #144]\n"
      "mov r12, sp\n"
      "add lr, sp, #12\n"
      "cmp r3, #0\nbne 3f\n"
      "cmp r4, #6\nbne 2f\n"
      EK_FILTER_COLUMNS(1, EK_FILTER_BOTH)
      "b 4f\n"
      EK_FILTER_COLUMNS(2, EK_FILTER_LOW)
      "b 4f\n"
      EK_FILTER_COLUMNS(3, EK_FILTER_HIGH)
      "4:\n"
      "mov r12, sp\n"
      "add r11, r2, r2, lsl #1\n"
      "add r3, r3, r3, lsl #1\n"
      "5:\n"
      "add r12, r12, r3, lsl #2\n"
      "mov r0, r1\n"
      "ldr lr, [sp, #144]\n"
      "6:\n"
      "ldmia r12!, {r4, r5, r6}\n"
      "sadd16 r7, r4, r6\nsadd16 r8, r6, r6\nsadd16 r8, r8, r8\nsadd16 r8, r4, r8\n"
      "sadd16 r9, r7, r5\nssub16 r7, r7, r5\nsadd16 r5, r5, r5\n"
      "sadd16 r10, r8, r5\nssub16 r8, r8, r5\n"
      "str r4, [r0]\nstr r9, [r0, r2]\nstr r7, [r0, r2, lsl #1]\nadd r0, r11\n"
      "str r10, [r0]\nstr r8, [r0, r2]\nstr r6, [r0, r2, lsl #1]\nadd r0, r11\n"
      "subs lr, #1\nbne 6b\n"
      "add r4, sp, #72\n"
      "cmp r12, r4\n"
      "bhi 7f\n"
      "mov r12, r4\n"
      "adds r1, #8\n"
      "b 5b\n"
      "7: add sp, #148\n"
      "pop {r4-r11, pc}\n");
}
#endif

EK_KERNEL void ek_filter_four(const int32_t *raw, int32_t *u, const ek_filter_shape *s) {
#ifdef EK_DSP
  ek_filter_four_asm(raw, u, s);
#else
  ek_filter_four_c(raw, u, s);
#endif
}

EK_NOINLINE const int32_t *ek_winograd_small_filter(const ek_winograd_params *p,
                                                    const int32_t *filters, int32_t *space,
                                                    int32_t pair, int32_t part) {
  const int32_t rows = 6 / p->parts;
  const ek_filter_shape shape = {4 * p->in_c, part * rows, rows};
  const int32_t *raw = filters + 2 * pair * (p->in_c / 4 * 9);
  for (int32_t c = 0; c < 2; ++c) {
    for (int32_t k = 0; k < p->in_c; k += 4, raw += 9) ek_filter_four(raw, space + k + c, &shape);
  }
  return space;
}

EK_KERNEL void ek_winograd_small(const ek_winograd_params *p, const int8_t *in, int8_t *out,
                                 const int32_t *filters, const int32_t *records, void *scratch) {
  ek_winograd_run(p, in, out, filters, records, scratch, ek_winograd_small_filter,
                  ek_tile_out_for(p->away));
  ek_clamp_all(out, p->batches * p->out_h * p->out_w * p->out_c, p->low, p->high);
}

#endif
