/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd F(4x4, 3x3), second half: products of four tiles and two output channels at each of the
 * 36 positions, and their way back to 4x4 outputs.
 *
 * The results are 576 times the convolution, modulo 2^32: powers of two of rows and columns are
 * left out on the way and the factor 9 is undone by its inverse modulo 2^32. Exact where 64 times
 * the sum fits 32 bits, which the generator checks. 36 times the bias at position (1, 1) adds it
 * everywhere.
 */
#ifndef EK_WINOGRAD_BLOCK_H
#define EK_WINOGRAD_BLOCK_H

#include "ek_lanes.h"
#include "ek_winograd_in.h"

#define EK_INVERSE_OF_9 954437177u
#define EK_TILE_RECORD 3 /* 36 * bias, high, scale (ek_narrow) */
#define EK_TILE_ROW 7

/* v: [position][pair of inputs][4 tiles], u: [position][pair of inputs][2 channels], two lanes
 * each; m: [position][4 tiles][2 channels]. At least two pairs of inputs; `positions` in a row. */
EK_NOINLINE void ek_tile_products_c(const int32_t *v, const int32_t *u, int32_t *m, int32_t inputs,
                                    int32_t positions) {
  for (int32_t position = 0; position < positions; ++position, m += 8) {
    memset(m, 0, 8 * sizeof *m);
    for (int32_t k = 0; k < inputs; ++k, v += 4, u += 2) {
      for (int32_t i = 0; i < 8; ++i) m[i] = ek_smlad(u[i & 1], v[i >> 1], m[i]);
    }
  }
}

typedef struct {
  uint32_t *rows; /* four rows of seven words: six of work, then the inverse of 9 << 0, 1, 2, 2 */
  int32_t step, pitch; /* bytes between outputs of a row, and between rows */
  ek_narrowing narrowing;
} ek_tile_out_shape;

/* One dimension of the way back; d steps by `step`, results without their factors 1, 2, 4, 4. */
EK_KERNEL void ek_tile_back(const uint32_t *d, int32_t step, uint32_t y[4]) {
  const uint32_t p = d[step] + d[2 * step], q = d[step] - d[2 * step];
  const uint32_t r = d[3 * step] + d[4 * step], s = d[3 * step] - d[4 * step];
  y[0] = r - 4u * p + 6u * d[0];
  y[1] = s - 2u * q;
  y[2] = r - p;
  y[3] = 2u * s - q + 6u * d[5 * step];
}

/* The twin: m of one tile and channel; adds the bias to it. */
EK_NOINLINE void ek_tile_out_c(int32_t *m, int8_t *out, const int32_t *record,
                               const ek_tile_out_shape *s) {
  static const int32_t right[4] = {6, 5, 4, 4};
  uint32_t tile[EK_TILE], back[4];
  m[7 * 8] = ek_add_wrap(m[7 * 8], record[0]);
  for (int32_t i = 0; i < EK_TILE; ++i) tile[i] = (uint32_t)m[8 * i];
  for (int32_t x = 0; x < 6; ++x) {
    ek_tile_back(tile + x, 6, back);
    for (int32_t y = 0; y < 4; ++y) s->rows[EK_TILE_ROW * y + x] = back[y];
  }
  for (int32_t y = 0; y < 4; ++y) {
    ek_tile_back(s->rows + EK_TILE_ROW * y, 1, back);
    for (int32_t x = 0; x < 4; ++x) {
      const int32_t sum = (int32_t)(back[x] * s->rows[EK_TILE_ROW * y + 6]) >> right[x];
      out[y * s->pitch + x * s->step] = ek_narrow(sum, record[1], record[2], &s->narrowing);
    }
  }
}

#ifdef EK_DSP
/* Register plan: r4-r11 results of tile 0 channel 0, tile 0 channel 1, tile 1 ...; r0 v, r1 u, r2
 * r3 weights, r12 lr inputs of two tiles. Parked: s0 where to enter the unrolled steps, s1 bytes of
 * v per position behind the first step, s2 m, s3 its end, s4 end of the position in v. A step is 11
 * instructions for 16 products, 44 bytes. */
#define EK_TILE_STEP(op, c0, c1, c2, c3, c4, c5, c6, c7)                                           \
  "ldrd r2, r3, [r1], #8\nldrd r12, lr, [r0], #8\n" op " r4, r2, r12" c0 "\n" op " r5, r3, r12" c1 \
  "\n" op " r6, r2, lr" c2 "\n" op " r7, r3, lr" c3 "\nldrd r12, lr, [r0], #8\n" op                \
  " r8, r2, r12" c4 "\n" op " r9, r3, r12" c5 "\n" op " r10, r2, lr" c6 "\n" op " r11, r3, lr" c7  \
  "\n"
#define EK_TILE_MORE \
  EK_TILE_STEP("smlad", ", r4", ", r5", ", r6", ", r7", ", r8", ", r9", ", r10", ", r11")
EK_NAKED void ek_tile_products_asm(const int32_t *v EK_UNUSED, const int32_t *u EK_UNUSED,
                                   int32_t *m EK_UNUSED, int32_t inputs EK_UNUSED,
                                   int32_t positions EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\nldr r4, [sp, #36]\n" EK_OPEN EK_PARK(2, r2)
      "add r4, r2, r4, lsl #5\n" EK_PARK(3, r4)
      "subs r3, #1\n"
      "lsl r4, r3, #4\n" EK_PARK(1, r4)
      "rsb r3, r3, #0\n"
      "and r3, r3, #7\n"
      "adr r6, 2f\n"
      "mov r7, #44\n"
      "mla r6, r3, r7, r6\n"
      "orr r6, r6, #1\n" EK_PARK(0, r6)
      "1:\n" EK_TILE_STEP("smuad", "", "", "", "", "", "", "", "") EK_FETCH2(r2, r3, 0, 1)
      "add r3, r0\n" EK_PARK(4, r3)
      "bx r2\n"
      ".balign 4\n"
      "2:\n" EK_TILE_MORE EK_TILE_MORE EK_TILE_MORE EK_TILE_MORE EK_TILE_MORE EK_TILE_MORE
      EK_TILE_MORE EK_TILE_MORE EK_FETCH(r2, 4)
      "cmp r0, r2\nbne 2b\n" EK_FETCH2(r12, lr, 2, 3)
      "stmia r12!, {r4-r11}\n" EK_PARK(2, r12)
      "cmp r12, lr\nbne 1b\n" EK_CLOSE "pop {r4-r11, pc}\n");
}

/* Register plan: r2-r7 a vector; r8-r11 its sums and results in columns, r8 the inverse of 9 in
 * rows; r0 m and then out, r1 the rows' words, lr their end and then step, r12 zero point.
 * Parked: s0 high, s1 scale, s2 out, s3 step, s4 pitch, s5 zero point, s6 end of the rows. */
#define EK_TILE_ROW_OUT(AWAY)                                                                      \
  "mul r11, r11, r8\nmul r2, r2, r8\nmul r4, r4, r8\nmul r6, r6, r8\n" EK_FETCH2(                  \
      r9, r10, 0,                                                                                  \
      1) "asr r11, r11, #6\nasr r2, r2, #5\nasr r4, r4, #4\nasr r6, r6, #4\n" EK_NARROW_4(AWAY,    \
                                                                                          r11, r2, \
                                                                                          r4, r6,  \
                                                                                          r9, r10, \
                                                                                          r12)
#define EK_TILE_OUT_BODY(AWAY) \
  __asm volatile(                                                                         \
      "push {r4-r11, lr}\n" EK_OPEN                                                       \
      "ldmia r2, {r4, r5, r6}\n"                                                          \
      "ldr r7, [r0, #224]\nadd r7, r4\nstr r7, [r0, #224]\n"                              \
      EK_PARK(0, r5) EK_PARK(1, r6) EK_PARK(2, r1)                                        \
      "ldmia r3, {r1, r4, r5, r6}\n" EK_PARK(3, r4) EK_PARK(4, r5) EK_PARK(5, r6)         \
      "add r4, r1, #112\n" EK_PARK(6, r4)                                                 \
      "add lr, r1, #24\n"                                                                 \
      "1: ldr r3, [r0, #192]\nldr r4, [r0, #384]\nldr r5, [r0, #576]\n"                   \
      "ldr r6, [r0, #768]\nldr r7, [r0, #960]\nldr r2, [r0], #32\n"                       \
      "add r8, r3, r4\nsub r9, r3, r4\nadd r10, r5, r6\nsub r11, r5, r6\n"                \
      "sub r12, r10, r8, lsl #2\nadd r12, r12, r2, lsl #2\nadd r12, r12, r2, lsl #1\n"    \
      "sub r3, r11, r9, lsl #1\nsub r4, r10, r8\n"                                        \
      "rsb r5, r9, r11, lsl #1\nadd r5, r5, r7, lsl #2\nadd r5, r5, r7, lsl #1\n"         \
      "str r3, [r1, #28]\nstr r4, [r1, #56]\nstr r5, [r1, #84]\nstr r12, [r1], #4\n"      \
      "cmp r1, lr\nbne 1b\n"                                                              \
      "sub r1, #24\n" EK_FETCH2(r0, lr, 2, 3) EK_FETCH(r12, 5)                            \
      "2: ldmia r1!, {r2-r8}\n"                                                           \
      "add r9, r3, r4\nsub r3, r3, r4\nadd r10, r5, r6\nsub r5, r5, r6\n"                 \
      "sub r11, r10, r9, lsl #2\nadd r11, r11, r2, lsl #2\nadd r11, r11, r2, lsl #1\n"    \
      "sub r2, r5, r3, lsl #1\nsub r4, r10, r9\n"                                         \
      "rsb r6, r3, r5, lsl #1\nadd r6, r6, r7, lsl #2\nadd r6, r6, r7, lsl #1\n"          \
      EK_TILE_ROW_OUT(AWAY) EK_FETCH(r9, 4) EK_FETCH(r10, 6)                              \
      "add r3, r0, lr, lsl #1\n"                                                          \
      "strb r11, [r0]\nstrb r2, [r0, lr]\nstrb r4, [r3]\nstrb r6, [r3, lr]\n"             \
      "add r0, r9\ncmp r1, r10\nbne 2b\n" EK_CLOSE "pop {r4-r11, pc}\n")
EK_NAKED void ek_tile_out_up(int32_t *m EK_UNUSED, int8_t *out EK_UNUSED,
                             const int32_t *record EK_UNUSED,
                             const ek_tile_out_shape *s EK_UNUSED) {
  EK_TILE_OUT_BODY(EK_UP);
}
EK_NAKED void ek_tile_out_away(int32_t *m EK_UNUSED, int8_t *out EK_UNUSED,
                               const int32_t *record EK_UNUSED,
                               const ek_tile_out_shape *s EK_UNUSED) {
  EK_TILE_OUT_BODY(EK_AWAY);
}
#endif

EK_KERNEL void ek_tile_products(const int32_t *v, const int32_t *u, int32_t *m, int32_t inputs,
                                int32_t positions) {
#ifdef EK_DSP
  ek_tile_products_asm(v, u, m, inputs, positions);
#else
  ek_tile_products_c(v, u, m, inputs, positions);
#endif
}

typedef void (*ek_tile_out_fn)(int32_t *, int8_t *, const int32_t *, const ek_tile_out_shape *);

/* `away` is a constant at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_tile_out_fn ek_tile_out_for(int32_t away) {
#ifdef EK_DSP
  return away ? ek_tile_out_away : ek_tile_out_up;
#else
  (void)away;
  return ek_tile_out_c;
#endif
}

#endif
