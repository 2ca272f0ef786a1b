/* SPDX-License-Identifier: Apache-2.0 */
/* CONV_2D with Helium: the windows of up to eight pixels are copied, then serve every channel. */
#ifndef EK_CONV_HELIUM_H
#define EK_CONV_HELIUM_H

#include "ek_helium_pixels.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, k_h, k_w;
  int32_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w, batches;
  int32_t in_zero_point; /* what padding is */
  int32_t pixels;        /* at a time, at most EK_HELIUM_PIXELS */
  ek_helium_layer layer;
} ek_conv_helium_params;

/* A kernel row of a window that reaches beyond the input: padding, then the taps inside. */
EK_NOINLINE void ek_conv_helium_edge(const ek_conv_helium_params *p, const int8_t *in, int8_t *x,
                                     int32_t y, int32_t left) {
  const int32_t step = p->dilation_w;
  const int32_t first = left >= 0 ? 0 : (-left + step - 1) / step;
  const int32_t end = ek_min(p->k_w, (p->in_w - left + step - 1) / step);
  ek_helium_fill(x, p->k_w * p->in_c, p->in_zero_point);
  if (y < 0 || y >= p->in_h || end <= first) return;
  const int8_t *from = in + (y * p->in_w + left + first * step) * p->in_c;
  const ek_copy_shape copy = {p->in_c, end - first, step * p->in_c, p->in_c};
  ek_helium_copy(x + first * p->in_c, from, &copy);
}

EK_KERNEL void ek_conv_helium_window(const ek_conv_helium_params *p, const ek_copy_shape *inside,
                                     const int8_t *in, int8_t *x, int32_t top, int32_t left) {
  const int32_t bottom = top + (p->k_h - 1) * p->dilation_h;
  const int32_t right = left + (p->k_w - 1) * p->dilation_w;
  const int32_t run = p->k_w * p->in_c;
  if (top >= 0 && left >= 0 && bottom < p->in_h && right < p->in_w) {
    const int8_t *from = in + (top * p->in_w + left) * p->in_c;
    if (p->dilation_w == 1) {
      ek_helium_copy(x, from, inside);
      return;
    }
    for (int32_t ky = 0; ky < p->k_h; ++ky, from += p->dilation_h * p->in_w * p->in_c) {
      ek_helium_copy(x + ky * run, from, inside);
    }
    return;
  }
  for (int32_t ky = 0; ky < p->k_h; ++ky) {
    ek_conv_helium_edge(p, in, x + ky * run, top + ky * p->dilation_h, left);
  }
}

EK_KERNEL void ek_conv_helium_image(const ek_conv_helium_params *p, const int8_t *in, int8_t *out,
                                    const int32_t *stream, int8_t *x, int32_t away) {
  const int32_t bytes = 16 * p->layer.steps;
  const int32_t taps = p->in_c, run = p->k_w * taps;
  const ek_copy_shape rows = {run, p->k_h, p->dilation_h * p->in_w * taps, run};
  const ek_copy_shape columns = {taps, p->k_w, p->dilation_w * taps, taps};
  const ek_copy_shape inside = p->dilation_w == 1 ? rows : columns;
  int32_t top = -p->pad_top, left = -p->pad_left, column = 0;
  for (int32_t pixels = p->out_h * p->out_w; pixels > 0; pixels -= p->pixels) {
    const int32_t count = ek_min(pixels, p->pixels);
    for (int32_t i = 0; i < count; ++i) {
      ek_conv_helium_window(p, &inside, in, x + i * bytes, top, left);
      left += p->stride_w;
      if (++column < p->out_w) continue;
      column = 0;
      left = -p->pad_left;
      top += p->stride_h;
    }
    ek_helium_pixels(&p->layer, x, stream, out, count, away);
    out += count * p->layer.out_c;
  }
}

EK_KERNEL void ek_conv_helium_run(const ek_conv_helium_params *p, const int8_t *in, int8_t *out,
                                  const int32_t *stream, int8_t *x, int32_t away) {
  for (int32_t b = 0; b < p->batches; ++b) {
    ek_conv_helium_image(p, in, out, stream, x, away);
    in += p->in_h * p->in_w * p->in_c;
    out += p->out_h * p->out_w * p->layer.out_c;
  }
}

EK_NOINLINE void ek_conv_helium_up(const ek_conv_helium_params *p, const int8_t *in, int8_t *out,
                                   const int32_t *stream, int8_t *x) {
  ek_conv_helium_run(p, in, out, stream, x, 0);
}
EK_NOINLINE void ek_conv_helium_away(const ek_conv_helium_params *p, const int8_t *in, int8_t *out,
                                     const int32_t *stream, int8_t *x) {
  ek_conv_helium_run(p, in, out, stream, x, 1);
}

EK_KERNEL void ek_conv_helium(const ek_conv_helium_params *p, const int8_t *in, int8_t *out,
                              const int32_t *stream, void *scratch) {
  if (p->layer.away) {
    ek_conv_helium_away(p, in, out, stream, (int8_t *)scratch);
  } else {
    ek_conv_helium_up(p, in, out, stream, (int8_t *)scratch);
  }
  const int32_t pixels = p->batches * p->out_h * p->out_w;
  ek_clamp_all(out, pixels * p->layer.out_c, p->layer.low, p->layer.high);
}

#endif
