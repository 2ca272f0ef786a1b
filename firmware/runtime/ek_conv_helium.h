/* SPDX-License-Identifier: Apache-2.0 */
/* CONV_2D with Helium: the windows of some pixels are copied, then serve every channel. */
#ifndef EK_CONV_HELIUM_H
#define EK_CONV_HELIUM_H

#include "ek_helium_gather.h"
#include "ek_helium_pixels.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, k_h, k_w;
  int32_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w, batches;
  int32_t in_zero_point; /* what padding is */
  int32_t pixels;        /* at a time, at most EK_HELIUM_PIXELS */
  int32_t pad_input;     /* 1: the input is copied with its padding first */
  int32_t gather;        /* 1: windows inside of the input come by ek_helium_gather */
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

EK_NOINLINE void ek_conv_helium_edges(const ek_conv_helium_params *p, const int8_t *in, int8_t *x,
                                      int32_t top, int32_t left) {
  const int32_t run = p->k_w * p->in_c;
  for (int32_t ky = 0; ky < p->k_h; ++ky, x += run, top += p->dilation_h) {
    ek_conv_helium_edge(p, in, x, top, left);
  }
}

/* The first of `outputs` positions from which on windows lie inside along an axis, and the end. */
EK_KERNEL int32_t ek_conv_first_inside(int32_t pad, int32_t stride, int32_t outputs) {
  return ek_min((pad + stride - 1) / stride, outputs);
}
EK_KERNEL int32_t ek_conv_end_inside(int32_t pad, int32_t stride, int32_t outputs, int32_t size,
                                     int32_t reach) {
  const int32_t last = size - reach + pad; /* largest start of a window, plus pad */
  return last < 0 ? 0 : ek_min(last / stride + 1, outputs);
}

/* Where the image is: the next output pixel, and which ones have their windows inside. */
typedef struct {
  int32_t y, x, y0, y1, x0, x1;
  ek_copy_windows copy; /* of whole windows */
  ek_helium_taps taps;  /* the same, gathered */
} ek_conv_helium_at;

EK_NOINLINE void ek_conv_helium_taps(const ek_conv_helium_params *p, ek_helium_taps *taps) {
  uint16_t *to = taps->offsets;
  int32_t i = 0;
  memset(to, 0, sizeof taps->offsets);
  taps->steps = p->layer.steps;
  taps->pixel = p->stride_w * p->in_c;
  for (int32_t tap = 0; tap < p->k_h * p->k_w; ++tap) {
    const int32_t y = tap / p->k_w * p->dilation_h, x = tap % p->k_w * p->dilation_w;
    for (int32_t c = 0; c < p->in_c; ++c, ++i) {
      to[i / 16 * 16 + i % 2 * 8 + i / 2 % 8] = (uint16_t)((y * p->in_w + x) * p->in_c + c);
    }
  }
}

EK_KERNEL ek_conv_helium_at ek_conv_helium_start(const ek_conv_helium_params *p) {
  const int32_t row = p->in_w * p->in_c, run = p->k_w * p->in_c;
  const int32_t reach_h = (p->k_h - 1) * p->dilation_h + 1;
  const int32_t reach_w = (p->k_w - 1) * p->dilation_w + 1;
  ek_conv_helium_at at = {
      0,
      0,
      ek_conv_first_inside(p->pad_top, p->stride_h, p->out_h),
      ek_conv_end_inside(p->pad_top, p->stride_h, p->out_h, p->in_h, reach_h),
      ek_conv_first_inside(p->pad_left, p->stride_w, p->out_w),
      ek_conv_end_inside(p->pad_left, p->stride_w, p->out_w, p->in_w, reach_w),
      {run, p->k_h, p->dilation_h * row, 16 * p->layer.steps, p->stride_w * p->in_c},
      {.offsets = {0}, .steps = 0, .pixel = 0},
  };
  if (p->gather) {
    ek_conv_helium_taps(p, &at.taps);
  } else if (p->dilation_w > 1) {
    at.x1 = 0; /* taps apart: every window as if at an edge */
  }
  return at;
}

/* Copies of the next `count` windows, stretches of a row at once. */
EK_NOINLINE void ek_conv_helium_copies(const ek_conv_helium_params *p, ek_conv_helium_at *at,
                                       const int8_t *in, int8_t *x, int32_t count) {
  while (count > 0) {
    const int32_t top = at->y * p->stride_h - p->pad_top;
    const int32_t left = at->x * p->stride_w - p->pad_left;
    int32_t now = 1;
    if (at->y >= at->y0 && at->y < at->y1 && at->x >= at->x0 && at->x < at->x1) {
      now = ek_min(count, at->x1 - at->x);
      const int8_t *from = in + (top * p->in_w + left) * p->in_c;
      if (p->gather) {
        ek_helium_gather(x, from, &at->taps, now);
      } else {
        ek_helium_windows(x, from, &at->copy, now);
      }
    } else {
      ek_conv_helium_edges(p, in, x, top, left);
    }
    x += now * at->copy.to_pixel;
    count -= now;
    at->x += now;
    if (at->x < p->out_w) continue;
    at->x = 0;
    ++at->y;
  }
}

EK_KERNEL void ek_conv_helium_image(const ek_conv_helium_params *p, const int8_t *in, int8_t *out,
                                    const int32_t *stream, int8_t *x, ek_helium_block_fn block) {
  ek_conv_helium_at at = ek_conv_helium_start(p);
  for (int32_t pixels = p->out_h * p->out_w; pixels > 0; pixels -= p->pixels) {
    const int32_t count = ek_min(pixels, p->pixels);
    ek_conv_helium_copies(p, &at, in, x, count);
    ek_helium_pixels(&p->layer, x, stream, out, count, block);
    out += count * p->layer.out_c;
  }
}

/* A small input is copied with its padding around it, so that all windows lie inside. */
EK_KERNEL ek_conv_helium_params ek_conv_helium_padded(const ek_conv_helium_params *p) {
  ek_conv_helium_params to = *p;
  to.in_h =
      ek_max((p->out_h - 1) * p->stride_h + (p->k_h - 1) * p->dilation_h + 1, p->in_h + p->pad_top);
  to.in_w = ek_max((p->out_w - 1) * p->stride_w + (p->k_w - 1) * p->dilation_w + 1,
                   p->in_w + p->pad_left);
  to.pad_top = 0;
  to.pad_left = 0;
  return to;
}

EK_NOINLINE void ek_conv_helium_pad(const ek_conv_helium_params *p, const ek_conv_helium_params *to,
                                    const int8_t *in, int8_t *padded) {
  const int32_t row = p->in_w * p->in_c, to_row = to->in_w * p->in_c;
  const ek_copy_shape copy = {row, p->in_h, row, to_row};
  ek_helium_fill(padded, to->in_h * to_row, p->in_zero_point);
  ek_helium_copy(padded + p->pad_top * to_row + p->pad_left * p->in_c, in, &copy);
}

EK_NOINLINE void ek_conv_helium_run(const ek_conv_helium_params *p, const int8_t *in, int8_t *out,
                                    const int32_t *stream, int8_t *x, ek_helium_block_fn block) {
  const ek_conv_helium_params padded = ek_conv_helium_padded(p);
  const ek_conv_helium_params *image = p->pad_input ? &padded : p;
  int8_t *copy = x + 16 * (p->pixels * p->layer.steps + 1);
  for (int32_t b = 0; b < p->batches; ++b) {
    if (p->pad_input) ek_conv_helium_pad(p, &padded, in, copy);
    ek_conv_helium_image(image, p->pad_input ? copy : in, out, stream, x, block);
    in += p->in_h * p->in_w * p->in_c;
    out += p->out_h * p->out_w * p->layer.out_c;
  }
}

EK_KERNEL void ek_conv_helium(const ek_conv_helium_params *p, const int8_t *in, int8_t *out,
                              const int32_t *stream, void *scratch) {
  ek_conv_helium_run(p, in, out, stream, (int8_t *)scratch,
                     ek_helium_block_for(p->layer.steps, p->layer.away));
  const int32_t pixels = p->batches * p->out_h * p->out_w;
  ek_clamp_all(out, pixels * p->layer.out_c, p->layer.low, p->layer.high);
}

#endif
