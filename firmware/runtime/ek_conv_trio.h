/* SPDX-License-Identifier: Apache-2.0 */
/* CONV_2D for cores with plain products: the windows of six pixels become words of trios, then
 * serve every channel. */
#ifndef EK_CONV_TRIO_H
#define EK_CONV_TRIO_H

#include "ek_trio_expand.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w;
  int32_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w, batches;
  int32_t in_zero_point; /* what padding is */
  int32_t away;
} ek_conv_trio_params;

/* The scratch behind the words: a row of padding, and one for each pixel of a trio whose row is
 * partly padding. */
typedef struct {
  const ek_conv_trio_params *p;
  const uint8_t *weights;
  const ek_stepped *records;
  uint32_t *x;
  int8_t *padding, *spare;
  ek_trio_block_fn block;
} ek_conv_trio_run;

typedef struct {
  int32_t top, left;
} ek_trio_corner;

/* One kernel row of a window: where it lies in the input, or a copy of it. */
EK_NOINLINE const int8_t *ek_trio_window_row(const ek_conv_trio_run *r, const int8_t *in, int32_t y,
                                             int32_t left, int8_t *spare) {
  const ek_conv_trio_params *p = r->p;
  if (y < 0 || y >= p->in_h) return r->padding;
  const int8_t *row = in + (y * p->in_w + left) * p->in_c;
  if (p->dilation_w == 1 && left >= 0 && left + p->k_w <= p->in_w) return row;
  int8_t *to = spare;
  for (int32_t kx = 0; kx < p->k_w; ++kx, left += p->dilation_w) {
    const int8_t *from = left >= 0 && left < p->in_w ? row : r->padding;
    for (int32_t i = 0; i < p->in_c; ++i) *to++ = from[i];
    row += p->dilation_w * p->in_c;
  }
  return spare;
}

/* Bytes from a kernel row to the next one where all of `rows` of three windows lie in the input as
 * they are, and where the first ones do; else 0. */
EK_NOINLINE int32_t ek_trio_inside(const ek_conv_trio_params *p, const int8_t *in,
                                   const ek_trio_corner *corner, int32_t rows, const int8_t **at) {
  const int32_t lowest = p->in_h - (rows - 1) * p->dilation_h, last = p->in_w - p->k_w;
  if (p->dilation_w != 1) return 0;
  for (int32_t i = 0; i < 3; ++i) {
    const int32_t top = corner[i].top, left = corner[i].left;
    if (top < 0 || top >= lowest || left < 0 || left > last) return 0;
    at[i] = in + (top * p->in_w + left) * p->in_c;
  }
  return p->dilation_h * p->in_w * p->in_c;
}

/* `rows` kernel rows of the windows of three pixels. */
EK_NOINLINE void ek_trio_windows(const ek_conv_trio_run *r, const int8_t *in,
                                 const ek_trio_corner *corner, int32_t rows, uint32_t *to,
                                 uint32_t *sums) {
  const ek_conv_trio_params *p = r->p;
  const int32_t run = p->k_w * p->in_c;
  const int8_t *from[3] = {in, in, in};
  const int32_t pitch = ek_trio_inside(p, in, corner, rows, from);
  for (int32_t ky = 0, y = 0; ky < rows; ++ky, y += p->dilation_h, to += 4 * run) {
    for (int32_t i = 0; i < 3 && pitch == 0; ++i) {
      from[i] = ek_trio_window_row(r, in, corner[i].top + y, corner[i].left, r->spare + i * run);
    }
    ek_trio_expand(to, from[0], from[1], from[2], run, sums);
    from[0] += pitch, from[1] += pitch, from[2] += pitch;
  }
}

/* Corners of `count` windows from `at` on, then the last one again; returns the next. */
EK_NOINLINE ek_trio_corner ek_trio_corners(const ek_conv_trio_params *p, ek_trio_corner at,
                                           ek_trio_corner *corner, int32_t count) {
  const int32_t end = p->out_w * p->stride_w - p->pad_left;
  for (int32_t i = 0; i < 6; ++i) {
    corner[i] = i < count ? at : corner[i - 1];
    if ((at.left += i < count ? p->stride_w : 0) < end) continue;
    at.left = -p->pad_left;
    at.top += p->stride_h;
  }
  return at;
}

EK_NOINLINE void ek_conv_trio_image(const ek_conv_trio_run *r, const int8_t *in, int8_t *out) {
  const ek_conv_trio_params *p = r->p;
  ek_trio_corner at = {-p->pad_top, -p->pad_left};
  for (int32_t left = p->out_h * p->out_w; left > 0; left -= 6, out += 6 * p->out_c) {
    const int32_t count = ek_min(left, 6);
    ek_trio_corner corner[6];
    uint32_t sums[4] = {0, 0, 0, 0};
    at = ek_trio_corners(p, at, corner, count);
    ek_trio_windows(r, in, corner, p->k_h, r->x + 4, sums);
    ek_trio_windows(r, in, corner + 3, p->k_h, r->x + 6, sums + 2);
    ek_trio_offsets(r->x, sums);
    const ek_trio_shape shape = ek_trio_shape_of(p->k_h * p->k_w * p->in_c, p->out_c, count);
    r->block(r->x, r->weights, r->records, out, &shape);
  }
}

EK_KERNEL void ek_conv_trio(const ek_conv_trio_params *p, const int8_t *in, int8_t *out,
                            const uint8_t *weights, const ek_stepped *records, void *scratch) {
  const int32_t run = p->k_w * p->in_c;
  uint32_t *x = (uint32_t *)scratch;
  int8_t *padding = (int8_t *)(x + 4 * (p->k_h * run + 1));
  const ek_conv_trio_run r = {
      p, weights, records, x, padding, padding + run, ek_trio_block_for(p->away)};
  memset(padding, p->in_zero_point, (size_t)run);
  for (int32_t b = 0; b < p->batches; ++b) {
    ek_conv_trio_image(&r, in, out);
    in += p->in_h * p->in_w * p->in_c;
    out += p->out_h * p->out_w * p->out_c;
  }
}

#endif
