/* SPDX-License-Identifier: Apache-2.0 */
/* CONV_2D: int8 NHWC, per-channel weights, groups, dilation, any stride. */
#ifndef EK_CONV_2D_H
#define EK_CONV_2D_H

#include "ek_dot.h"
#include "ek_window.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c;
  int32_t k_h, k_w, k_c; /* k_c input channels per group */
  int32_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
  int32_t batches, blocked; /* output channels below `blocked` are stored four abreast */
} ek_conv_2d_params;

/* One run of taps is contiguous where the kernel row is: no dilation, no groups. */
EK_KERNEL void ek_conv_2d_pixel(const ek_conv_2d_params *p, const int8_t *in, int8_t *out,
                                const int8_t *weights, const ek_channel *channels,
                                const ek_quant *quant, int32_t y, int32_t x) {
  const ek_window win =
      ek_window_at(y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, p->k_h, p->k_w,
                   p->dilation_h, p->dilation_w, p->in_h, p->in_w);
  const int32_t row_taps = p->dilation_w == 1 && p->k_c == p->in_c ? win.kx1 - win.kx0 : 1;
  const int32_t groups = p->in_c / p->k_c;
  const int32_t taps_c = p->k_h * p->k_w * p->k_c;

  for (int32_t c = 0; c < p->out_c;) {
    const int32_t width = c < p->blocked ? 4 : 1;
    const int8_t *w = weights + c * taps_c;
    const int32_t in_c0 = groups == 1 ? 0 : c / (p->out_c / groups) * p->k_c;
    int32_t acc[4] = {0, 0, 0, 0};
    for (int32_t ky = win.ky0; ky < win.ky1; ++ky) {
      for (int32_t kx = win.kx0; kx < win.kx1; kx += row_taps) {
        const int32_t iy = win.top + ky * p->dilation_h;
        const int32_t ix = win.left + kx * p->dilation_w;
        const int8_t *from = in + (iy * p->in_w + ix) * p->in_c + in_c0;
        const int8_t *with = w + (ky * p->k_w + kx) * p->k_c * width;
        if (width == 4) {
          ek_dot_4(acc, from, with, row_taps * p->k_c, quant->in_offset);
        } else {
          ek_dot_1(acc, from, with, row_taps * p->k_c, quant->in_offset);
        }
      }
    }
    for (int32_t i = 0; i < width; ++i, ++c) out[c] = ek_finish(acc[i], channels + c, quant);
  }
}

EK_KERNEL void ek_conv_2d(const ek_conv_2d_params *p, const int8_t *in, int8_t *out,
                          const int8_t *weights, const ek_channel *channels,
                          const ek_quant *quant) {
  for (int32_t b = 0; b < p->batches; ++b) {
    for (int32_t y = 0; y < p->out_h; ++y) {
      for (int32_t x = 0; x < p->out_w; ++x, out += p->out_c) {
        ek_conv_2d_pixel(p, in, out, weights, channels, quant, y, x);
      }
    }
    in += p->in_h * p->in_w * p->in_c;
  }
}

#endif
