/* SPDX-License-Identifier: Apache-2.0 */
/* RESIZE_BILINEAR: int8 NHWC in integers, positions with 10 fractional bits as in TFLM. */
#ifndef EK_RESIZE_BILINEAR_H
#define EK_RESIZE_BILINEAR_H

#include "ek_kernel.h"

/* Output row y lies at y * step_h + shift in 1/1024 of input rows; columns alike. */
typedef struct {
  int32_t batches, in_h, in_w, channels, out_h, out_w;
  int32_t step_h, shift_h, step_w, shift_w;
} ek_resize_bilinear_params;

/* The two neighbours of a position, and the weight of the second in 1/1024. */
typedef struct {
  int32_t low, high, weight;
} ek_between;

EK_KERNEL ek_between ek_between_at(int32_t position, int32_t size) {
  ek_between at;
  at.low = ek_max(position, 0) >> 10;
  at.high = ek_min((position + 1023) >> 10, size - 1);
  at.weight = position - at.low * 1024;
  return at;
}

/* Weights add up to 2^20, so the sum of four products fits 32 bits. It is rounded half away from
 * zero; before the first row or column weights go negative, but both neighbours are the same. */
EK_KERNEL void ek_resize_bilinear_pixel(int32_t channels, const int8_t *const corners[4],
                                        int8_t *out, int32_t down, int32_t right) {
  const int32_t w0 = (1024 - down) * (1024 - right), w1 = (1024 - down) * right;
  const int32_t w2 = down * (1024 - right), w3 = down * right;
  for (int32_t c = 0; c < channels; ++c) {
    const int32_t sum =
        corners[0][c] * w0 + corners[1][c] * w1 + corners[2][c] * w2 + corners[3][c] * w3;
    out[c] = (int8_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
  }
}

EK_KERNEL void ek_resize_bilinear(const ek_resize_bilinear_params *p, const int8_t *in,
                                  int8_t *out) {
  for (int32_t i = 0; i < p->batches * p->out_h; ++i) {
    const ek_between y = ek_between_at(i % p->out_h * p->step_h + p->shift_h, p->in_h);
    const int8_t *image = in + i / p->out_h * p->in_h * p->in_w * p->channels;
    const int8_t *upper = image + y.low * p->in_w * p->channels;
    const int8_t *lower = image + y.high * p->in_w * p->channels;
    for (int32_t column = 0; column < p->out_w; ++column, out += p->channels) {
      const ek_between x = ek_between_at(column * p->step_w + p->shift_w, p->in_w);
      const int8_t *const corners[4] = {upper + x.low * p->channels, upper + x.high * p->channels,
                                        lower + x.low * p->channels, lower + x.high * p->channels};
      ek_resize_bilinear_pixel(p->channels, corners, out, y.weight, x.weight);
    }
  }
}

#endif
