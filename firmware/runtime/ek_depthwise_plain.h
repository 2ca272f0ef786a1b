/* SPDX-License-Identifier: Apache-2.0 */
/* DEPTHWISE_CONV_2D for cores with plain products: any window, stride, dilation and multiplier.
 *
 * A line is a row or a column of the image, whichever the generator found cheaper. Where the whole
 * plane of a channel is in the scratch at once, `out` may be `in`.
 */
#ifndef EK_DEPTHWISE_PLAIN_H
#define EK_DEPTHWISE_PLAIN_H

#include "ek_plain_lines.h"
#include "ek_words.h"

/* One direction: inputs, outputs, taps, stride, padding before, dilation, byte steps. */
typedef struct {
  int32_t n, out_n, taps, stride, pad, dilation, in_step, out_step;
} ek_plain_axis;

typedef struct {
  ek_plain_axis along, across;
  int32_t in_c, multiplier, batches;
  int32_t phase; /* words of a line per phase of the stride */
  int32_t strip; /* output lines whose inputs are in the scratch at once */
  int32_t in_zero_point, away;
} ek_depthwise_plain_params;

/* A line of the input into its words, every stride-th side by side; padding is there already. */
EK_NOINLINE void ek_plain_plane_line(const ek_depthwise_plain_params *p, const int8_t *in,
                                     int32_t *line) {
  const ek_plain_axis *a = &p->along;
  const int32_t width = p->phase * a->stride;
  for (int32_t phase = 0; phase < a->stride; ++phase) {
    const int32_t first = (phase + a->stride - a->pad % a->stride) % a->stride;
    int32_t *to = line + phase * p->phase + (first + a->pad) / a->stride;
    const int8_t *from = in + first * a->in_step;
    const int32_t step = a->stride * a->in_step;
    const int32_t end = ek_min(a->n, width - a->pad);
    for (int32_t i = first; i < end; i += a->stride, from += step) *to++ = *from;
  }
}

EK_NOINLINE void ek_plain_plane(const ek_depthwise_plain_params *p, const int8_t *in,
                                int32_t *plane, int32_t top, int32_t lines) {
  const int32_t words = p->phase * p->along.stride;
  for (int32_t i = 0; i < lines; ++i, plane += words) {
    const int32_t y = top + i;
    if (y < 0 || y >= p->across.n) {
      ek_words_fill(plane, words, p->in_zero_point);
    } else {
      ek_plain_plane_line(p, in + y * p->across.in_step, plane);
    }
  }
}

/* Offsets of all taps; their weights come with each channel. */
EK_NOINLINE void ek_plain_taps(const ek_depthwise_plain_params *p, ek_plain_tap *taps) {
  const ek_plain_axis *a = &p->along;
  for (int32_t ky = 0; ky < p->across.taps; ++ky) {
    for (int32_t kx = 0; kx < a->taps; ++kx, ++taps) {
      const int32_t at = kx * a->dilation;
      const int32_t word = ky * p->across.dilation * p->phase * a->stride;
      taps->offset = 4 * (word + at % a->stride * p->phase + at / a->stride);
    }
  }
}

typedef struct {
  const ek_depthwise_plain_params *p;
  const int8_t *weights; /* per output channel [tap across][tap along] */
  const ek_stepped *records;
  ek_plain_tap *taps;
  int32_t *plane;
  ek_plain_line_fn line;
} ek_depthwise_plain_run;

EK_KERNEL void ek_depthwise_plain_strip(const ek_depthwise_plain_run *r, const int8_t *in,
                                        int8_t *out, int32_t channel, int32_t first) {
  const ek_depthwise_plain_params *p = r->p;
  const int32_t words = p->phase * p->along.stride;
  const ek_plain_line shape = {
      p->along.taps * p->across.taps,
      p->along.out_n,
      p->along.out_step,
      ek_min(p->strip, p->across.out_n - first),
      4 * words * p->across.stride,
      p->across.out_step,
  };
  const int32_t reach = (p->across.taps - 1) * p->across.dilation + 1;
  ek_plain_plane(p, in + channel, r->plane, first * p->across.stride - p->across.pad,
                 (shape.lines - 1) * p->across.stride + reach);
  for (int32_t m = 0; m < p->multiplier; ++m) {
    const int32_t c = channel * p->multiplier + m;
    const int8_t *weights = r->weights + c * shape.taps;
    for (int32_t tap = 0; tap < shape.taps; ++tap) r->taps[tap].weight = weights[tap];
    r->line(r->plane, r->taps, r->records + c, out + first * p->across.out_step + c, &shape);
  }
}

EK_NOINLINE void ek_depthwise_plain_image(const ek_depthwise_plain_run *r, const int8_t *in,
                                          int8_t *out) {
  for (int32_t channel = 0; channel < r->p->in_c; ++channel) {
    for (int32_t first = 0; first < r->p->across.out_n; first += r->p->strip) {
      ek_depthwise_plain_strip(r, in, out, channel, first);
    }
  }
}

EK_KERNEL void ek_depthwise_plain(const ek_depthwise_plain_params *p, const int8_t *in, int8_t *out,
                                  const int8_t *weights, const ek_stepped *records, void *scratch) {
  const int32_t taps = p->along.taps * p->across.taps;
  const int32_t reach = (p->across.taps - 1) * p->across.dilation + 1;
  const int32_t lines = (p->strip - 1) * p->across.stride + reach;
  ek_plain_tap *list = (ek_plain_tap *)scratch;
  const ek_depthwise_plain_run run = {
      p, weights, records, list, (int32_t *)(list + taps), ek_plain_line_for(p->away)};
  ek_plain_taps(p, list);
  ek_words_fill(run.plane, lines * p->phase * p->along.stride + 3, p->in_zero_point);
  for (int32_t b = 0; b < p->batches; ++b) {
    ek_depthwise_plain_image(&run, in, out);
    in += p->along.n * p->across.n * p->in_c;
    out += p->along.out_n * p->across.out_n * p->in_c * p->multiplier;
  }
}

#endif
