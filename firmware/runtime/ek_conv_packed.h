/* SPDX-License-Identifier: Apache-2.0 */
/* CONV_2D over packed weights, four output pixels at a time.
 *
 * The inputs of four pixels are expanded into the scratch once and serve every output channel. A
 * kernel row is contiguous in memory: a run of k_w * in_c bytes.
 */
#ifndef EK_CONV_PACKED_H
#define EK_CONV_PACKED_H

#include "ek_dense_pixels.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, k_h, k_w;
  int32_t stride_h, stride_w, pad_top, pad_left, dilation_h, batches;
  int32_t in_zero_point; /* what padding is */
  int32_t pad_input;     /* 1: the input is copied with its padding first */
  ek_dense_layer layer;
} ek_conv_packed_params;

/* Input position of tap (0, 0) of an output pixel, and the pixel's column. */
typedef struct {
  int32_t top, left, x;
} ek_tap;

typedef struct {
  const ek_conv_packed_params *p;
  const int8_t *in;
  int8_t *copies;       /* four runs for windows that reach beyond the input, and one of padding */
  uint32_t tops, lefts; /* positions below these lie inside */
  ek_expand_shape window, run;
  ek_expand_fn expand;
} ek_conv_source;

EK_KERNEL ek_conv_source ek_conv_source_of(const ek_conv_packed_params *p, const int8_t *in,
                                           int8_t *copies, ek_expand_fn expand) {
  const int32_t bytes = p->k_w * p->in_c;
  const ek_conv_source s = {
      p,
      in,
      copies,
      (uint32_t)ek_max(p->in_h - (p->k_h - 1) * p->dilation_h, 0),
      (uint32_t)ek_max(p->in_w - p->k_w + 1, 0),
      ek_expand_shape_of(bytes, p->k_h, p->dilation_h * p->in_w * p->in_c),
      ek_expand_shape_of(bytes, 1, bytes),
      expand,
  };
  return s;
}

EK_KERNEL void ek_tap_next(const ek_conv_packed_params *p, ek_tap *at) {
  at->left += p->stride_w;
  if (++at->x < p->out_w) return;
  at->x = 0;
  at->left = -p->pad_left;
  at->top += p->stride_h;
}

/* Where the bytes of kernel row `ky` are that lies not inside the input: in a run of padding behind
 * the four copies, or in `copy`, made of both. */
EK_NOINLINE const int8_t *ek_padded_run(const ek_conv_source *s, const ek_tap *at, int32_t ky,
                                        int8_t *copy) {
  const ek_conv_packed_params *p = s->p;
  const int32_t bytes = p->k_w * p->in_c;
  const int32_t y = at->top + ky * p->dilation_h;
  if (y < 0 || y >= p->in_h) return s->copies + 4 * bytes;
  const int8_t *from = s->in + (y * p->in_w + at->left) * p->in_c;
  const int32_t first = ek_max(-at->left, 0) * p->in_c;
  const int32_t end = ek_min(p->in_w - at->left, p->k_w) * p->in_c;
  const int32_t zero = (int32_t)(((uint32_t)p->in_zero_point & 0xFFu) * 0x01010101u);
  int32_t i = 0;
  for (; p->in_c % 4 == 0 && i < bytes; i += 4) { /* then first and end are multiples of 4 too */
    int32_t word = zero;
    if (i >= first && i < end) memcpy(&word, from + i, sizeof word);
    memcpy(copy + i, &word, sizeof word);
  }
  for (; i < first; ++i) copy[i] = (int8_t)p->in_zero_point;
  for (; i < end; ++i) copy[i] = from[i];
  for (; i < bytes; ++i) copy[i] = (int8_t)p->in_zero_point;
  return copy;
}

EK_NOINLINE void ek_expand_padded(const ek_conv_source *s, const ek_tap at[4], int32_t *x) {
  const int32_t bytes = s->p->k_w * s->p->in_c;
  const int8_t *pixels[4];
  for (int32_t ky = 0; ky < s->p->k_h; ++ky) {
    for (int32_t i = 0; i < 4; ++i) {
      const int32_t y = at[i].top + ky * s->p->dilation_h;
      const int inside = (uint32_t)y < (uint32_t)s->p->in_h && (uint32_t)at[i].left < s->lefts;
      pixels[i] = inside ? s->in + (y * s->p->in_w + at[i].left) * s->p->in_c
                         : ek_padded_run(s, at + i, ky, s->copies + i * bytes);
    }
    x = s->expand(x, pixels, &s->run);
  }
}

EK_KERNEL void ek_expand_windows(const ek_conv_source *s, const ek_tap at[4], int32_t *x) {
  const int8_t *pixels[4];
  for (int32_t i = 0; i < 4; ++i) {
    /* Unsigned: a position before the input is larger than any inside. */
    if ((uint32_t)at[i].top >= s->tops || (uint32_t)at[i].left >= s->lefts) {
      ek_expand_padded(s, at, x);
      return;
    }
    pixels[i] = s->in + (at[i].top * s->p->in_w + at[i].left) * s->p->in_c;
  }
  (void)s->expand(x, pixels, &s->window);
}

/* Whether the next four windows lie side by side in the input. */
EK_KERNEL int ek_four_inside(const ek_conv_source *s, const ek_tap *next) {
  return next->x + 4 <= s->p->out_w && (uint32_t)next->top < s->tops &&
         (uint32_t)next->left < s->lefts && (uint32_t)(next->left + 3 * s->p->stride_w) < s->lefts;
}

/* Then it takes no more than this; `next` moves on. */
EK_KERNEL void ek_expand_inside(const ek_conv_source *s, ek_tap *next, int32_t *x) {
  const ek_conv_packed_params *p = s->p;
  const int32_t step = p->stride_w * p->in_c;
  const int8_t *first = s->in + (next->top * p->in_w + next->left) * p->in_c;
  const int8_t *pixels[4] = {first, first + step, first + 2 * step, first + 3 * step};
  (void)s->expand(x, pixels, &s->window);
  next->x += 3;
  next->left += 3 * p->stride_w;
  ek_tap_next(p, next);
}

/* The next `count` windows, in the four places. */
EK_KERNEL void ek_next_taps(const ek_conv_packed_params *p, ek_tap *next, ek_tap at[4],
                            int32_t count) {
  for (int32_t i = 0; i < ek_min(count, 4); ++i) {
    at[i] = *next;
    ek_tap_next(p, next);
  }
  for (int32_t i = 3; count < 4 && i > 0; --i) at[i] = at[ek_pixel_of(i, count)];
}

/* A small input is copied with its padding around it, so that all windows lie inside. */
EK_NOINLINE void ek_conv_pad_input(const ek_conv_packed_params *p, const ek_conv_packed_params *to,
                                   const int8_t *in, int8_t *padded) {
  const int32_t row = p->in_w * p->in_c, to_row = to->in_w * p->in_c;
  memset(padded, p->in_zero_point, (size_t)(to->in_h * to_row));
  padded += p->pad_top * to_row + p->pad_left * p->in_c;
  for (int32_t y = 0; y < p->in_h; ++y, in += row, padded += to_row) {
    memcpy(padded, in, (size_t)row);
  }
}

EK_KERNEL ek_conv_packed_params ek_conv_padded_params(const ek_conv_packed_params *p) {
  ek_conv_packed_params padded = *p;
  padded.in_h =
      ek_max((p->out_h - 1) * p->stride_h + (p->k_h - 1) * p->dilation_h + 1, p->in_h + p->pad_top);
  padded.in_w = ek_max((p->out_w - 1) * p->stride_w + p->k_w, p->in_w + p->pad_left);
  padded.pad_top = 0;
  padded.pad_left = 0;
  return padded;
}

EK_NOINLINE void ek_conv_packed_image(const ek_conv_packed_params *p, const int8_t *in, int8_t *out,
                                      int32_t *x, int8_t *copies, ek_dense_run *run) {
  const ek_conv_source source = ek_conv_source_of(p, in, copies, run->expand);
  ek_tap next = {-p->pad_top, -p->pad_left, 0};
  ek_dense_count(run, 4);
  for (int32_t left = p->out_h * p->out_w; left > 0; left -= 4) {
    const int32_t count = ek_min(left, 4);
    if (ek_four_inside(&source, &next)) {
      ek_expand_inside(&source, &next, x);
      ek_dense_four(run, x, out);
    } else {
      ek_tap at[4];
      ek_next_taps(p, &next, at, count);
      ek_expand_windows(&source, at, x);
      ek_dense_pixels(run, x, out, count);
    }
    out += count * p->layer.out_c;
  }
}

EK_NOINLINE void ek_conv_packed_run(const ek_conv_packed_params *p, const int8_t *in, int8_t *out,
                                    const int32_t *stream, void *scratch, ek_dense_block_fn block,
                                    ek_expand_fn expand) {
  int32_t *x = (int32_t *)scratch;
  int8_t *copies = (int8_t *)(x + 4 * p->layer.inputs);
  ek_dense_run run = ek_dense_run_of(&p->layer, stream, block, expand);
  const ek_conv_packed_params padded = ek_conv_padded_params(p);
  const int32_t bytes = p->k_w * p->in_c;
  for (int32_t b = 0; b < p->batches; ++b) {
    if (p->pad_input) {
      ek_conv_pad_input(p, &padded, in, copies);
      ek_conv_packed_image(&padded, copies, out, x, copies, &run);
    } else {
      memset(copies + 4 * bytes, p->in_zero_point, (size_t)bytes);
      ek_conv_packed_image(p, in, out, x, copies, &run);
    }
    in += p->in_h * p->in_w * p->in_c;
    out += p->out_h * p->out_w * p->layer.out_c;
  }
}

EK_KERNEL void ek_conv_packed(const ek_conv_packed_params *p, const int8_t *in, int8_t *out,
                              const int32_t *stream, void *scratch) {
  ek_conv_packed_run(p, in, out, stream, scratch, ek_packed_block_for(&p->layer),
                     ek_expand_block_fn());
  ek_clamp_all(out, p->batches * p->out_h * p->out_w * p->layer.out_c, p->layer.low, p->layer.high);
}

#endif
