/* SPDX-License-Identifier: Apache-2.0 */
/* ek_conv_trio.h for windows of many inputs: a part is so many kernel rows. */
#ifndef EK_CONV_TRIO_PARTS_H
#define EK_CONV_TRIO_PARTS_H

#include "ek_conv_trio.h"
#include "ek_trio_parts.h"

typedef struct {
  ek_conv_trio_params conv;
  int32_t parts; /* k_h is a multiple of it */
} ek_conv_trio_parts_params;

/* The windows of six pixels, part after part. */
EK_NOINLINE void ek_conv_trio_expand(const ek_conv_trio_run *r, const int8_t *in,
                                     ek_trio_corner *corner, int32_t parts) {
  const ek_conv_trio_params *p = r->p;
  const int32_t rows = p->k_h / parts;
  uint32_t *x = r->x;
  for (int32_t part = 0; part < parts; ++part) {
    uint32_t sums[4] = {0, 0, 0, 0};
    ek_trio_windows(r, in, corner, rows, x + 4, sums);
    ek_trio_windows(r, in, corner + 3, rows, x + 6, sums + 2);
    ek_trio_offsets(x, sums);
    x += 4 * (rows * p->k_w * p->in_c + 1);
    for (int32_t i = 0; i < 6; ++i) corner[i].top += rows * p->dilation_h;
  }
}

EK_NOINLINE void ek_conv_trio_parts_image(const ek_conv_trio_run *r, const int8_t *in, int8_t *out,
                                          int32_t parts, int32_t *sums) {
  const ek_conv_trio_params *p = r->p;
  const int32_t inputs = p->k_h / parts * p->k_w * p->in_c;
  ek_trio_corner at = {-p->pad_top, -p->pad_left};
  for (int32_t left = p->out_h * p->out_w; left > 0; left -= 6, out += 6 * p->out_c) {
    const int32_t count = ek_min(left, 6);
    const ek_trio_shape shape = ek_trio_shape_of(inputs, p->out_c, count);
    ek_trio_corner corner[6];
    at = ek_trio_corners(p, at, corner, count);
    ek_conv_trio_expand(r, in, corner, parts);
    ek_trio_parts(r->x, r->weights, r->records, out, &shape, parts, sums);
  }
}

EK_KERNEL void ek_conv_trio_parts(const ek_conv_trio_parts_params *params, const int8_t *in,
                                  int8_t *out, const uint8_t *weights, const ek_stepped *records,
                                  void *scratch) {
  const ek_conv_trio_params *p = &params->conv;
  const int32_t run = p->k_w * p->in_c;
  uint32_t *x = (uint32_t *)scratch;
  int32_t *sums = (int32_t *)(x + 4 * (p->k_h * run + params->parts));
  int8_t *padding = (int8_t *)(sums + 6 * p->out_c);
  const ek_conv_trio_run r = {p, weights, records, x, padding, padding + run, 0};
  memset(padding, p->in_zero_point, (size_t)run);
  for (int32_t b = 0; b < p->batches; ++b) {
    ek_conv_trio_parts_image(&r, in, out, params->parts, sums);
    in += p->in_h * p->in_w * p->in_c;
    out += p->out_h * p->out_w * p->out_c;
  }
}

#endif
