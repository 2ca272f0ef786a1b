/* SPDX-License-Identifier: Apache-2.0 */
/* CONV_2D for cores with plain products: the windows of four pixels become words, then serve every
 * channel. */
#ifndef EK_CONV_PLAIN_H
#define EK_CONV_PLAIN_H

#include "ek_plain_block.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w;
  int32_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w, batches;
  int32_t in_zero_point; /* what padding is */
  int32_t away;
} ek_conv_plain_params;

EK_NOINLINE int32_t ek_plain_padding(int32_t *to, int32_t count, int32_t value) {
  for (int32_t i = 0; i < count; ++i) to[4 * i] = value;
  return count * value;
}

/* One kernel row of a window: padding, taps inside, padding. Returns the sum. */
EK_NOINLINE int32_t ek_plain_window_row(const ek_conv_plain_params *p, const int8_t *in,
                                        int32_t *to, int32_t y, int32_t left) {
  const int32_t run = p->k_w * p->in_c;
  if (y < 0 || y >= p->in_h) return ek_plain_padding(to, run, p->in_zero_point);
  const int8_t *row = in + (y * p->in_w + left) * p->in_c;
  if (p->dilation_w == 1 && left >= 0 && left + p->k_w <= p->in_w) {
    return ek_plain_expand(to, row, run);
  }
  int32_t sum = 0;
  for (int32_t kx = 0; kx < p->k_w; ++kx, left += p->dilation_w, to += 4 * p->in_c) {
    const int32_t inside = left >= 0 && left < p->in_w;
    sum += inside ? ek_plain_expand(to, row, p->in_c)
                  : ek_plain_padding(to, p->in_c, p->in_zero_point);
    row += p->dilation_w * p->in_c;
  }
  return sum;
}

EK_NOINLINE int32_t ek_plain_window(const ek_conv_plain_params *p, const int8_t *in, int32_t *to,
                                    int32_t pixel) {
  int32_t top = pixel / p->out_w * p->stride_h - p->pad_top;
  const int32_t left = pixel % p->out_w * p->stride_w - p->pad_left;
  int32_t sum = 0;
  for (int32_t ky = 0; ky < p->k_h; ++ky, top += p->dilation_h, to += 4 * p->k_w * p->in_c) {
    sum += ek_plain_window_row(p, in, to, top, left);
  }
  return sum;
}

EK_NOINLINE void ek_conv_plain_run(const ek_conv_plain_params *p, const int8_t *in, int8_t *out,
                                   const uint8_t *weights, const ek_stepped *records, int32_t *x,
                                   ek_plain_block_fn block) {
  const int32_t pixels = p->out_h * p->out_w;
  for (int32_t b = 0; b < p->batches; ++b, in += p->in_h * p->in_w * p->in_c) {
    for (int32_t pixel = 0; pixel < pixels; pixel += 4) {
      const int32_t count = ek_min(pixels - pixel, 4);
      const ek_plain_shape shape = {p->k_h * p->k_w * p->in_c, p->out_c, count > 1 ? p->out_c : 0,
                                    ek_max(count - 2, 0) * p->out_c};
      for (int32_t i = 0; i < 4; ++i) {
        const int32_t at = pixel + ek_plain_pixel_of(i, count);
        x[i] = -128 * ek_plain_window(p, in, x + 4 + i, at);
      }
      block(x, weights, records, out, &shape);
      out += count * p->out_c;
    }
  }
}

EK_KERNEL void ek_conv_plain(const ek_conv_plain_params *p, const int8_t *in, int8_t *out,
                             const uint8_t *weights, const ek_stepped *records, void *scratch) {
  ek_conv_plain_run(p, in, out, weights, records, (int32_t *)scratch, ek_plain_block_for(p->away));
}

#endif
