/* SPDX-License-Identifier: Apache-2.0 */
/* DEPTHWISE_CONV_2D for cores with plain products, in trios: any window, stride, dilation and
 * multiplier.
 *
 * A line is a row or a column of the image, whichever the generator found cheaper; the lines are
 * made in three parts at once, which overlap where their number is no multiple of three. Where the
 * whole plane of a channel is in the scratch at once, `out` may be `in`.
 */
#ifndef EK_DEPTHWISE_TRIO_H
#define EK_DEPTHWISE_TRIO_H

#include "ek_trio_lines.h"
#include "ek_trio_plane.h"

/* One direction: inputs, outputs, taps, stride, padding before, dilation, byte steps. */
typedef struct {
  int32_t n, out_n, taps, stride, pad, dilation, in_step, out_step;
} ek_trio_axis;

typedef struct {
  ek_trio_axis along, across;
  int32_t in_c, multiplier, batches;
  int32_t phase; /* places of a line per phase of the stride */
  int32_t strip; /* output lines of each part whose inputs are in the scratch at once */
  int32_t in_zero_point, away;
} ek_depthwise_trio_params;

typedef struct {
  const ek_depthwise_trio_params *p;
  const int8_t *weights; /* per output channel [tap across][tap along] */
  const ek_stepped *records;
  ek_trio_tap *taps;
  uint32_t *plane;
  ek_trio_line_fn line;
  int8_t padding;
} ek_depthwise_trio_run;

/* What lies outside of the image. */
EK_NOINLINE void ek_trio_fill(uint32_t *to, int32_t places, int32_t value) {
  for (int32_t i = 0; i < places; ++i, to += 2) {
    to[0] = ek_trio_first(value, value);
    to[1] = ek_trio_second(value, value);
  }
}

/* How many of `n` are left of every stride-th; without a division, which a Cortex-M0+ has not. */
EK_KERNEL int32_t ek_trio_count(int32_t n, int32_t stride) {
  if (stride == 1) return n;
  return stride == 2 ? (n + 1) >> 1 : (n + stride - 1) / stride;
}

/* Input lines y[0..2] over each other, every stride-th input side by side; padding before and after
 * them is there already. */
EK_NOINLINE void ek_trio_plane_line(const ek_depthwise_trio_run *r, const int8_t *in,
                                    uint32_t *line, const int32_t *y) {
  const ek_trio_axis *a = &r->p->along;
  const int8_t *from[3], *at[3];
  ek_trio_walk walk;
  for (int32_t i = 0; i < 3; ++i) {
    const int32_t inside = y[i] >= 0 && y[i] < r->p->across.n;
    from[i] = inside ? in + y[i] * r->p->across.in_step : &r->padding;
    walk.step[i] = inside ? a->stride * a->in_step : 0;
  }
  const int32_t end = ek_min(a->n, r->p->phase * a->stride - a->pad);
  for (int32_t phase = 0; phase < a->stride; ++phase) {
    int32_t first = phase - a->pad;
    uint32_t *to = line + 2 * phase * r->p->phase;
    for (; first < 0; first += a->stride) to += 2;
    walk.count = ek_trio_count(end - first, a->stride);
    if (walk.count < 1) continue;
    for (int32_t i = 0; i < 3; ++i) at[i] = from[i] + (walk.step[i] ? first * a->in_step : 0);
    ek_trio_gather(to, at[0], at[1], at[2], &walk);
  }
}

/* Offsets of all taps; their weights come with each channel. */
EK_NOINLINE void ek_trio_taps(const ek_depthwise_trio_params *p, ek_trio_tap *taps) {
  const ek_trio_axis *a = &p->along;
  for (int32_t ky = 0; ky < p->across.taps; ++ky) {
    for (int32_t kx = 0; kx < a->taps; ++kx, ++taps) {
      const int32_t at = kx * a->dilation;
      const int32_t place = ky * p->across.dilation * p->phase * a->stride;
      taps->offset = 8 * (place + at % a->stride * p->phase + at / a->stride);
    }
  }
}

/* Output lines `first` to `first` + `count` - 1 of one input channel. */
EK_NOINLINE void ek_trio_strip(const ek_depthwise_trio_run *r, const int8_t *in, int8_t *out,
                               int32_t channel, int32_t first, int32_t count) {
  const ek_depthwise_trio_params *p = r->p;
  const ek_trio_axis *across = &p->across;
  const int32_t lines = (count + 2) / 3, places = p->phase * p->along.stride;
  const int32_t part[2] = {ek_min(lines, count - lines), count - lines};
  const ek_trio_line shape = {p->along.taps * across->taps,
                              p->along.out_n,
                              p->along.out_step,
                              lines,
                              {part[0] * across->out_step, part[1] * across->out_step},
                              8 * places * across->stride,
                              across->out_step};
  const int32_t reach = (across->taps - 1) * across->dilation + 1;
  const int32_t top = first * across->stride - across->pad;
  for (int32_t i = 0; i < (lines - 1) * across->stride + reach; ++i) {
    const int32_t y[3] = {top + i, top + i + part[0] * across->stride,
                          top + i + part[1] * across->stride};
    ek_trio_plane_line(r, in + channel, r->plane + 2 * i * places, y);
  }
  for (int32_t m = 0; m < p->multiplier; ++m) {
    const int32_t c = channel * p->multiplier + m;
    const int8_t *weights = r->weights + c * shape.taps;
    for (int32_t tap = 0; tap < shape.taps; ++tap) r->taps[tap].weight = weights[tap];
    r->line(r->plane, r->taps, r->records + c, out + first * across->out_step + c, &shape);
  }
}

EK_NOINLINE void ek_depthwise_trio_image(const ek_depthwise_trio_run *r, const int8_t *in,
                                         int8_t *out) {
  const int32_t strip = 3 * r->p->strip, all = r->p->across.out_n;
  for (int32_t channel = 0; channel < r->p->in_c; ++channel) {
    for (int32_t first = 0; first < all; first += strip) {
      ek_trio_strip(r, in, out, channel, first, ek_min(strip, all - first));
    }
  }
}

EK_KERNEL void ek_depthwise_trio(const ek_depthwise_trio_params *p, const int8_t *in, int8_t *out,
                                 const int8_t *weights, const ek_stepped *records, void *scratch) {
  const int32_t taps = p->along.taps * p->across.taps;
  const int32_t reach = (p->across.taps - 1) * p->across.dilation + 1;
  const int32_t lines = (p->strip - 1) * p->across.stride + reach;
  ek_trio_tap *list = (ek_trio_tap *)scratch;
  uint32_t *plane = (uint32_t *)(list + taps);
  const ek_depthwise_trio_run run = {
      p, weights, records, list, plane, ek_trio_line_for(p->away), (int8_t)p->in_zero_point};
  ek_trio_taps(p, list);
  ek_trio_fill(plane, lines * p->phase * p->along.stride + EK_TRIO_SPARE, p->in_zero_point);
  for (int32_t b = 0; b < p->batches; ++b) {
    ek_depthwise_trio_image(&run, in, out);
    in += p->along.n * p->across.n * p->in_c;
    out += p->along.out_n * p->across.out_n * p->in_c * p->multiplier;
  }
}

#endif
