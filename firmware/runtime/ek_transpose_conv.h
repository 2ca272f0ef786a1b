/* SPDX-License-Identifier: Apache-2.0 */
/* TRANSPOSE_CONV: int8 NHWC, per-channel weights.
 *
 * Each output pixel gathers the taps that reach it, so sums stay in registers: TFLM scatters into
 * an int32 copy of the output, four times its size in RAM. The sums are the same.
 */
#ifndef EK_TRANSPOSE_CONV_H
#define EK_TRANSPOSE_CONV_H

#include "ek_dot.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w;
  int32_t stride_h, stride_w, pad_top, pad_left;
  int32_t batches, blocked; /* output channels below `blocked` are stored four abreast */
} ek_transpose_conv_params;

/* Taps first, first + stride, ... < end of one axis reach an output position; tap k takes it from
 * input (position - k) / stride. */
typedef struct {
  int32_t position, first, end;
} ek_taps;

EK_KERNEL ek_taps ek_taps_at(int32_t position, int32_t stride, int32_t taps, int32_t size) {
  /* Taps below `skip` would come from beyond the input's last row or column. */
  const int32_t skip = ek_max(position - (size - 1) * stride, 0);
  const int32_t phase = position % stride;
  ek_taps at;
  at.position = position;
  at.first = phase + (skip > phase ? (skip - phase + stride - 1) / stride * stride : 0);
  at.end = ek_min(taps, position + 1);
  return at;
}

/* `width` output channels from `c` on, a constant 4 or 1 at each call. */
EK_KERNEL void ek_transpose_conv_channels(const ek_transpose_conv_params *p, const int8_t *in,
                                          const int8_t *weights, int32_t in_offset,
                                          const ek_taps *ty, const ek_taps *tx, int32_t width,
                                          int32_t acc[4]) {
  for (int32_t ky = ty->first; ky < ty->end; ky += p->stride_h) {
    const int8_t *row = in + (ty->position - ky) / p->stride_h * p->in_w * p->in_c;
    for (int32_t kx = tx->first; kx < tx->end; kx += p->stride_w) {
      const int8_t *from = row + (tx->position - kx) / p->stride_w * p->in_c;
      const int8_t *with = weights + (ky * p->k_w + kx) * p->in_c * width;
      if (width == 4) {
        ek_dot_4(acc, from, with, p->in_c, in_offset);
      } else {
        ek_dot_1(acc, from, with, p->in_c, in_offset);
      }
    }
  }
}

EK_KERNEL void ek_transpose_conv_pixel(const ek_transpose_conv_params *p, const int8_t *in,
                                       int8_t *out, const int8_t *weights,
                                       const ek_channel *channels, const ek_quant *quant, int32_t y,
                                       int32_t x) {
  const ek_taps ty = ek_taps_at(y + p->pad_top, p->stride_h, p->k_h, p->in_h);
  const ek_taps tx = ek_taps_at(x + p->pad_left, p->stride_w, p->k_w, p->in_w);
  const int32_t taps_c = p->k_h * p->k_w * p->in_c;
  for (int32_t c = 0; c < p->blocked; c += 4) {
    int32_t acc[4] = {0, 0, 0, 0};
    ek_transpose_conv_channels(p, in, weights + c * taps_c, quant->in_offset, &ty, &tx, 4, acc);
    for (int32_t i = 0; i < 4; ++i) out[c + i] = ek_finish(acc[i], channels + c + i, quant);
  }
  for (int32_t c = p->blocked; c < p->out_c; ++c) {
    int32_t acc[4] = {0, 0, 0, 0};
    ek_transpose_conv_channels(p, in, weights + c * taps_c, quant->in_offset, &ty, &tx, 1, acc);
    out[c] = ek_finish(acc[0], channels + c, quant);
  }
}

EK_KERNEL void ek_transpose_conv(const ek_transpose_conv_params *p, const int8_t *in, int8_t *out,
                                 const int8_t *weights, const ek_channel *channels,
                                 const ek_quant *quant) {
  for (int32_t b = 0; b < p->batches; ++b) {
    for (int32_t y = 0; y < p->out_h; ++y) {
      for (int32_t x = 0; x < p->out_w; ++x, out += p->out_c) {
        ek_transpose_conv_pixel(p, in, out, weights, channels, quant, y, x);
      }
    }
    in += p->in_h * p->in_w * p->in_c;
  }
}

#endif
