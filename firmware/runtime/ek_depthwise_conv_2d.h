/* SPDX-License-Identifier: Apache-2.0 */
/* DEPTHWISE_CONV_2D: int8 NHWC, per-channel weights, depth multiplier, dilation. */
#ifndef EK_DEPTHWISE_CONV_2D_H
#define EK_DEPTHWISE_CONV_2D_H

#include "ek_dot.h"
#include "ek_window.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, multiplier; /* out_c = in_c * multiplier */
  int32_t k_h, k_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
  int32_t batches;
} ek_depthwise_conv_2d_params;

/* `width` neighbouring output channels from `c`; width is a constant 4 or 1 at each call. */
EK_KERNEL void ek_depthwise_channels(const ek_depthwise_conv_2d_params *p, const int8_t *in,
                                     int8_t *out, const int8_t *weights, const ek_channel *channels,
                                     const ek_quant *quant, const ek_window *win, int32_t c,
                                     int32_t width) {
  const int32_t out_c = p->in_c * p->multiplier;
  int32_t acc[4] = {0, 0, 0, 0};
  for (int32_t ky = win->ky0; ky < win->ky1; ++ky) {
    const int32_t iy = win->top + ky * p->dilation_h;
    for (int32_t kx = win->kx0; kx < win->kx1; ++kx) {
      const int32_t ix = win->left + kx * p->dilation_w;
      const int8_t *from = in + (iy * p->in_w + ix) * p->in_c + c / p->multiplier;
      const int8_t *w = weights + (ky * p->k_w + kx) * out_c + c;
      for (int32_t i = 0; i < width; ++i) acc[i] += (from[i] + quant->in_offset) * w[i];
    }
  }
  for (int32_t i = 0; i < width; ++i) out[c + i] = ek_finish(acc[i], channels + c + i, quant);
}

EK_KERNEL void ek_depthwise_conv_2d_pixel(const ek_depthwise_conv_2d_params *p, const int8_t *in,
                                          int8_t *out, const int8_t *weights,
                                          const ek_channel *channels, const ek_quant *quant,
                                          int32_t y, int32_t x) {
  const int32_t out_c = p->in_c * p->multiplier;
  const int32_t fours = p->multiplier == 1 ? out_c / 4 * 4 : 0;
  const ek_window win =
      ek_window_at(y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, p->k_h, p->k_w,
                   p->dilation_h, p->dilation_w, p->in_h, p->in_w);
  for (int32_t c = 0; c < fours; c += 4) {
    ek_depthwise_channels(p, in, out, weights, channels, quant, &win, c, 4);
  }
  for (int32_t c = fours; c < out_c; ++c) {
    ek_depthwise_channels(p, in, out, weights, channels, quant, &win, c, 1);
  }
}

EK_KERNEL void ek_depthwise_conv_2d(const ek_depthwise_conv_2d_params *p, const int8_t *in,
                                    int8_t *out, const int8_t *weights, const ek_channel *channels,
                                    const ek_quant *quant) {
  for (int32_t b = 0; b < p->batches; ++b) {
    for (int32_t y = 0; y < p->out_h; ++y) {
      for (int32_t x = 0; x < p->out_w; ++x, out += p->in_c * p->multiplier) {
        ek_depthwise_conv_2d_pixel(p, in, out, weights, channels, quant, y, x);
      }
    }
    in += p->in_h * p->in_w * p->in_c;
  }
}

#endif
