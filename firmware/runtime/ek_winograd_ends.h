/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in and out of integer Winograd F(4x4, 3x3) for cores with plain 32-bit products.
 *
 * Transformed inputs stay within 16 bits (100 times an int8), so two channels go through the
 * transform in one word, a + 2^16 b: all of it is sums.
 */
#ifndef EK_WINOGRAD_ENDS_H
#define EK_WINOGRAD_ENDS_H

#include "ek_step_grid.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c, pad_top, pad_left, batches;
  int32_t in_zero_point, away;
} ek_winograd_plain_params;

typedef struct {
  uint32_t a, b, c, d, e, f;
} ek_winograd_values;

/* Six values at distance `step` through the input matrix. */
EK_KERNEL ek_winograd_values ek_winograd_six(const uint32_t *d, int32_t step) {
  const uint32_t d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
  const uint32_t even = d4 - 4 * d2, odd = d3 - 4 * d1, few = d4 - d2, some = 2 * (d3 - d1);
  const ek_winograd_values v = {4 * (d0 - d2) + few, even + odd, even - odd,
                                few + some,          few - some, 4 * (d1 - d3) + d[5 * step] - d3};
  return v;
}

/* A 6x6 patch of two channels; what lies outside of the input is padding. */
EK_NOINLINE void ek_winograd_patch(const ek_winograd_plain_params *p, const int8_t *in, uint32_t *d,
                                   int32_t top, int32_t left) {
  const int32_t first = ek_max(-left, 0), end = ek_min(p->in_w - left, 6);
  const uint32_t padding = (uint32_t)p->in_zero_point + ((uint32_t)p->in_zero_point << 16);
  for (int32_t y = top; y < top + 6; ++y, d += 6) {
    if (y < 0 || y >= p->in_h || first > 0 || end < 6) {
      for (int32_t x = 0; x < 6; ++x) d[x] = padding;
    }
    if (y < 0 || y >= p->in_h) continue;
    const int8_t *from = in + (y * p->in_w + left + first) * p->in_c;
    for (int32_t x = first; x < end; ++x, from += p->in_c) {
      d[x] = (uint32_t)from[0] + ((uint32_t)from[1] << 16);
    }
  }
}

/* A word to its two channels. */
EK_KERNEL void ek_winograd_split(int32_t *to, uint32_t word) {
  const int32_t low = (int16_t)(word & 0xFFFFu);
  to[0] = low;
  to[4] = (int32_t)(word - (uint32_t)low) >> 16;
}

/* v[position][channel][4] of one tile. */
EK_NOINLINE void ek_winograd_inputs(const ek_winograd_plain_params *p, const int8_t *in, int32_t *v,
                                    int32_t top, int32_t left) {
  const int32_t step = 4 * p->in_c;
  for (int32_t c = 0; c < p->in_c; c += 2, in += 2, v += 8) {
    uint32_t d[36];
    ek_winograd_patch(p, in, d, top, left);
    for (uint32_t *at = d; at < d + 6; ++at) {
      const ek_winograd_values r = ek_winograd_six(at, 6);
      at[0] = r.a, at[6] = r.b, at[12] = r.c, at[18] = r.d, at[24] = r.e, at[30] = r.f;
    }
    int32_t *to = v;
    for (const uint32_t *at = d; at < d + 36; at += 6) {
      const ek_winograd_values r = ek_winograd_six(at, 1);
      ek_winograd_split(to, r.a), to += step;
      ek_winograd_split(to, r.b), to += step;
      ek_winograd_split(to, r.c), to += step;
      ek_winograd_split(to, r.d), to += step;
      ek_winograd_split(to, r.e), to += step;
      ek_winograd_split(to, r.f), to += step;
    }
  }
}

/* Six sums at distance `step` to four, 24 times too large. */
EK_KERNEL ek_winograd_values ek_winograd_four(const uint32_t *m, int32_t step) {
  const uint32_t a = m[step] + m[2 * step], b = m[step] - m[2 * step];
  const uint32_t c = m[3 * step] + m[4 * step], d = m[3 * step] - m[4 * step];
  const ek_winograd_values v = {
      6 * m[0] - 4 * a + c, 2 * (d - 2 * b), 4 * (c - a), 4 * (2 * d - b + 6 * m[5 * step]), 0, 0};
  return v;
}

/* 576 times a sum to the sum: 9 has an inverse modulo 2^32. */
EK_KERNEL uint32_t ek_winograd_whole(uint32_t sum) {
  return (uint32_t)((int32_t)(sum * 954437177u) >> 6);
}

/* One channel's sums of a tile, 4x4, from 36 at every fourth word of `m`. */
EK_NOINLINE void ek_winograd_outputs(uint32_t *m, uint32_t *sums) {
  for (uint32_t *at = m; at < m + 24; at += 4) {
    const ek_winograd_values r = ek_winograd_four(at, 24);
    at[0] = r.a, at[24] = r.b, at[48] = r.c, at[72] = r.d;
  }
  for (uint32_t *end = sums + 16; sums < end; sums += 4, m += 24) {
    const ek_winograd_values r = ek_winograd_four(m, 4);
    sums[0] = ek_winograd_whole(r.a);
    sums[1] = ek_winograd_whole(r.b);
    sums[2] = ek_winograd_whole(r.c);
    sums[3] = ek_winograd_whole(r.d);
  }
}

#endif
