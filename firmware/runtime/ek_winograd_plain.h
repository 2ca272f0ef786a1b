/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 CONV_2D of stride 1 by integer Winograd F(4x4, 3x3), for cores with plain 32-bit products.
 *
 * Four tiles of 4x4 outputs at a time: their inputs are transformed for all channels, then each
 * output channel takes 36 sums of products, which make 576 times its sums: modulo 2^32 all of it is
 * exact, and so is the way back (9 has an inverse, 64 is a shift). Matrices: Lavin and Gray, "Fast
 * Algorithms for Convolutional Neural Networks", with the fractions taken to the outputs' side.
 */
#ifndef EK_WINOGRAD_PLAIN_H
#define EK_WINOGRAD_PLAIN_H

#include "ek_plain.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c, pad_top, pad_left, batches;
  int32_t in_zero_point;
} ek_winograd_plain_params;

/* out[p][tile] for 36 positions: sums over the channels of v[p][channel][4 tiles] times
 * u[p][channel], an even number of channels. */
EK_NOINLINE void ek_winograd_sums_c(uint32_t *out, const int32_t *v, const int16_t *u,
                                    int32_t channels) {
  for (int32_t p = 0; p < 36; ++p, out += 4) {
    out[0] = out[1] = out[2] = out[3] = 0;
    for (int32_t c = 0; c < channels; ++c, v += 4, ++u) {
      for (int32_t t = 0; t < 4; ++t) out[t] += (uint32_t)v[t] * (uint32_t)(int32_t)*u;
    }
  }
}

#ifdef EK_THUMB
/* Register plan: r8-r11 sums of the tiles, r0 v, r1 u, r2 two filter values, r3 one, r4-r7 inputs;
 * r12 end of v's position, lr its bytes. On the stack: 0 out, 4 positions left. 21 instructions for
 * eight products. */
#define EK_WINOGRAD_TILES "ldmia r0!, {r4-r7}\n" EK_MACS
#define EK_WINOGRAD_TWO \
  "ldmia r1!, {r2}\nsxth r3, r2\n" EK_WINOGRAD_TILES "asrs r3, r2, #16\n" EK_WINOGRAD_TILES
EK_NAKED void ek_winograd_sums_asm(uint32_t *out EK_UNUSED, const int32_t *v EK_UNUSED,
                                   const int16_t *u EK_UNUSED, int32_t channels EK_UNUSED) {
  __asm volatile(EK_PLAIN_OPEN(
      12) "str r0, [sp]\nmovs r0, r1\nmovs r1, r2\nlsls r3, r3, #4\nmov lr, r3\n"
          "movs r4, #36\nstr r4, [sp, #4]\n"
          "1: movs r4, #0\nmov r8, r4\nmov r9, r4\nmov r10, r4\nmov r11, r4\n"
          "mov r4, lr\nadds r4, r0\nmov r12, r4\n"
          "2:\n" EK_WINOGRAD_TWO "cmp r0, r12\nbeq 3f\n" EK_WINOGRAD_TWO
          "cmp r0, r12\nbne 2b\n"
          "3: ldr r3, [sp]\nmov r4, r8\nmov r5, r9\nmov r6, r10\nmov r7, r11\n"
          "stmia r3!, {r4-r7}\nstr r3, [sp]\n"
          "ldr r4, [sp, #4]\nsubs r4, #1\nstr r4, [sp, #4]\nbne 1b\n" EK_PLAIN_CLOSE(12));
}
#endif

#ifdef EK_RV32
/* Two channels at a time, the sums of the tiles in registers. */
#define EK_WINOGRAD_ONE(n)     \
  f = (uint32_t)(int32_t)u[n]; \
  a += v[4 * n] * f, b += v[4 * n + 1] * f, c += v[4 * n + 2] * f, d += v[4 * n + 3] * f;
EK_OPTIMIZED void ek_winograd_sums_rv32(uint32_t *out, const uint32_t *v, const int16_t *u,
                                        int32_t channels) {
  for (int32_t p = 0; p < 36; ++p, out += 4) {
    uint32_t a = 0, b = 0, c = 0, d = 0;
    for (const int16_t *end = u + channels; u < end; u += 2, v += 8) {
      uint32_t f;
      EK_WINOGRAD_ONE(0) EK_WINOGRAD_ONE(1)
    }
    out[0] = a, out[1] = b, out[2] = c, out[3] = d;
  }
}
#endif

EK_KERNEL void ek_winograd_sums(uint32_t *out, const int32_t *v, const int16_t *u,
                                int32_t channels) {
#ifdef EK_THUMB
  ek_winograd_sums_asm(out, v, u, channels);
#elif defined(EK_RV32)
  ek_winograd_sums_rv32(out, (const uint32_t *)v, u, channels);
#else
  ek_winograd_sums_c(out, v, u, channels);
#endif
}

/* Six values at distance `step` through the input matrix, in place. */
EK_KERNEL void ek_winograd_six(int32_t *d, int32_t step) {
  const int32_t d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
  const int32_t d5 = d[5 * step];
  const int32_t even = d4 - 4 * d2, odd = d3 - 4 * d1, few = d4 - d2, some = 2 * (d3 - d1);
  d[0] = 4 * d0 - 5 * d2 + d4;
  d[step] = even + odd;
  d[2 * step] = even - odd;
  d[3 * step] = few + some;
  d[4 * step] = few - some;
  d[5 * step] = 4 * d1 - 5 * d3 + d5;
}

/* A 6x6 patch of one channel; what lies outside of the input is padding. */
EK_NOINLINE void ek_winograd_patch(const ek_winograd_plain_params *p, const int8_t *in, int32_t *d,
                                   int32_t top, int32_t left) {
  const int32_t first = ek_max(-left, 0), end = ek_min(p->in_w - left, 6);
  for (int32_t y = top; y < top + 6; ++y, d += 6) {
    if (y < 0 || y >= p->in_h || first > 0 || end < 6) {
      for (int32_t x = 0; x < 6; ++x) d[x] = p->in_zero_point;
    }
    if (y < 0 || y >= p->in_h) continue;
    const int8_t *from = in + (y * p->in_w + left + first) * p->in_c;
    for (int32_t x = first; x < end; ++x, from += p->in_c) d[x] = *from;
  }
}

/* v[position][channel][4] of one tile. */
EK_NOINLINE void ek_winograd_inputs(const ek_winograd_plain_params *p, const int8_t *in, int32_t *v,
                                    int32_t top, int32_t left) {
  for (int32_t c = 0; c < p->in_c; ++c, ++in, v += 4) {
    int32_t d[36];
    ek_winograd_patch(p, in, d, top, left);
    for (int32_t i = 0; i < 6; ++i) ek_winograd_six(d + i, 6);
    for (int32_t i = 0; i < 6; ++i) ek_winograd_six(d + 6 * i, 1);
    int32_t *to = v;
    for (int32_t i = 0; i < 36; ++i, to += 4 * p->in_c) *to = d[i];
  }
}

/* Six sums at distance `step` to four at the same distance, 24 times too large. */
EK_KERNEL void ek_winograd_four(uint32_t *m, int32_t step) {
  const uint32_t a = m[step] + m[2 * step], b = m[step] - m[2 * step];
  const uint32_t c = m[3 * step] + m[4 * step], d = m[3 * step] - m[4 * step];
  m[0] = 6 * m[0] - 4 * a + c;
  m[step] = 2 * d - 4 * b;
  m[2 * step] = 4 * c - 4 * a;
  m[3 * step] = 8 * d - 4 * b + 24 * m[5 * step];
}

/* One channel's outputs of a tile from its 36 sums (every fourth word of `m`). */
EK_NOINLINE void ek_winograd_outputs(const ek_winograd_plain_params *p, uint32_t *m,
                                     const ek_stepped *record, int8_t *out, int32_t rows,
                                     int32_t columns) {
  const uint32_t inverse_of_9 = 954437177u;
  for (int32_t i = 0; i < 6; ++i) ek_winograd_four(m + 4 * i, 24);
  for (int32_t y = 0; y < rows; ++y, m += 24, out += p->out_w * p->out_c) {
    ek_winograd_four(m, 4);
    int8_t *to = out;
    for (int32_t x = 0; x < columns; ++x, to += p->out_c) {
      const int32_t sum = (int32_t)(m[4 * x] * inverse_of_9) >> 6;
      *to = ek_step((int32_t)((uint32_t)sum + (uint32_t)record->start), record);
    }
  }
}

/* Up to four tiles from number `tile` on. */
EK_NOINLINE void ek_winograd_tiles(const ek_winograd_plain_params *p, const int8_t *in, int8_t *out,
                                   const int16_t *filters, const ek_stepped *records, int32_t *v,
                                   int32_t tile, int32_t count) {
  const int32_t across = (p->out_w + 3) / 4;
  uint32_t *m = (uint32_t *)(v + 144 * p->in_c);
  for (int32_t t = 0; t < count; ++t) {
    const int32_t y = (tile + t) / across * 4, x = (tile + t) % across * 4;
    ek_winograd_inputs(p, in, v + t, y - p->pad_top, x - p->pad_left);
  }
  for (int32_t c = 0; c < p->out_c; ++c, filters += 36 * p->in_c) {
    ek_winograd_sums(m, v, filters, p->in_c);
    for (int32_t t = 0; t < count; ++t) {
      const int32_t y = (tile + t) / across * 4, x = (tile + t) % across * 4;
      ek_winograd_outputs(p, m + t, records + c, out + (y * p->out_w + x) * p->out_c + c,
                          ek_min(p->out_h - y, 4), ek_min(p->out_w - x, 4));
    }
  }
}

EK_KERNEL void ek_winograd_plain(const ek_winograd_plain_params *p, const int8_t *in, int8_t *out,
                                 const int16_t *filters, const ek_stepped *records, void *scratch) {
  const int32_t tiles = (p->out_h + 3) / 4 * ((p->out_w + 3) / 4);
  for (int32_t b = 0; b < p->batches; ++b) {
    for (int32_t tile = 0; tile < tiles; tile += 4) {
      ek_winograd_tiles(p, in, out, filters, records, (int32_t *)scratch, tile,
                        ek_min(tiles - tile, 4));
    }
    in += p->in_h * p->in_w * p->in_c;
    out += p->out_h * p->out_w * p->out_c;
  }
}

#endif
