/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 DEPTHWISE_CONV_2D, four input channels at a time through planes in the scratch.
 *
 * Lines may be rows or columns, whichever fills fours better. A strip of output lines is done at a
 * time; the input lines that two strips share stay in the scratch, so that `out` may be `in` where
 * no output lies behind an input that is still to be read and the channels are a multiple of four.
 */
#ifndef EK_DEPTHWISE_PLANES_H
#define EK_DEPTHWISE_PLANES_H

#include "ek_clamp.h"
#include "ek_depthwise_lines.h"
#include "ek_planes.h"
#include "ek_words.h"

typedef struct {
  int32_t n, out_n, stride, pad, in_step, out_step; /* along lines */
  int32_t lines, out_lines, line_stride, line_pad, in_pitch, out_pitch;
  int32_t channels, multiplier, batches; /* channels of the input, at least four */
  int32_t reach;                         /* input lines of an output line */
  int32_t k_lines, steps, gap;           /* of ek_depthwise_taps.h */
  int32_t record;                        /* words for an output channel */
  int32_t words, strip;                  /* words of a plane's line; output lines of a strip */
  int32_t in_zero_point, zero_point, away, low, high;
} ek_depthwise_planes_params;

/* Input lines `from` .. `end` of the padded input, the first at `to`. */
EK_KERNEL void ek_plane_strip(const ek_depthwise_planes_params *p, const ek_plane_shape *shape,
                              const int8_t *in, int32_t *to, int32_t from, int32_t end) {
  const int32_t first = ek_clamp(p->line_pad, from, end);
  const int32_t last = ek_clamp(p->lines + p->line_pad, first, end);
  const int32_t line_words = 4 * p->words;
  const int32_t zeros = ek_pair(p->in_zero_point, p->in_zero_point);
  if (p->strip < p->out_lines) { /* else the lines of padding are still there */
    ek_words_fill(to, (first - from) * line_words, zeros);
    ek_words_fill(to + (last - from) * line_words, (end - last) * line_words, zeros);
  }
  if (first < last) {
    ek_plane_lines(to + (first - from) * line_words + (p->pad + 1) / 2,
                   in + (first - p->line_pad) * p->in_pitch, shape, last - first);
  }
}

/* Four channels of a batch, strip by strip. */
EK_NOINLINE void ek_depthwise_four(const ek_depthwise_planes_params *p, const ek_plane_shape *plane,
                                   const int8_t *in, int8_t *out, const int32_t *records,
                                   int32_t *planes, ek_depthwise_lines_fn lines) {
  const int32_t line_words = 4 * p->words;
  ek_depthwise_shape shape = {
      4 * line_words, p->out_step,  p->out_pitch, 4 * line_words * p->line_stride,
      p->out_n / 4,   p->out_n % 4, p->strip,     {p->zero_point, p->away},
      p->k_lines,     p->steps,     p->gap};
  int32_t have = 0; /* input lines of this strip that the last one has left */
  for (int32_t first = 0; first < p->out_lines; first += p->strip) {
    const int32_t top = first * p->line_stride;
    shape.lines = ek_min(p->strip, p->out_lines - first);
    const int32_t need = (shape.lines - 1) * p->line_stride + p->reach;
    ek_plane_strip(p, plane, in, planes + have * line_words, top + have, top + need);
    for (int32_t c = 0; c < 4; ++c) {
      for (int32_t i = c * p->multiplier; i < (c + 1) * p->multiplier; ++i) {
        lines(planes + c * p->words, out + first * p->out_pitch + i, records + i * p->record,
              &shape);
      }
    }
    if (first + p->strip >= p->out_lines) return;
    have = ek_max(p->reach - p->line_stride, 0);
    ek_words_move(planes, planes + (need - have) * line_words, have * p->words);
  }
}

EK_NOINLINE void ek_depthwise_planes_run(const ek_depthwise_planes_params *p, const int8_t *in,
                                         int8_t *out, const int32_t *records, void *scratch,
                                         ek_depthwise_lines_fn lines, int32_t in_bytes,
                                         int32_t out_bytes) {
  const ek_plane_shape plane = ek_plane_shape_of(p->n, p->pad, p->words, p->in_step, p->in_pitch);
  const int32_t lines_of_strip = (p->strip - 1) * p->line_stride + p->reach;
  ek_words_fill((int32_t *)scratch, lines_of_strip * 4 * p->words,
                ek_pair(p->in_zero_point, p->in_zero_point));
  for (int32_t b = 0; b < p->batches; ++b, in += in_bytes, out += out_bytes) {
    for (int32_t c = 0; c < p->channels; c += 4) {
      const int32_t at = ek_min(c, p->channels - 4); /* the last four may overlap others */
      const int32_t to = at * p->multiplier;
      ek_depthwise_four(p, &plane, in + at, out + to, records + to * p->record, (int32_t *)scratch,
                        lines);
    }
  }
}

EK_KERNEL void ek_depthwise_planes_all(const ek_depthwise_planes_params *p, const int8_t *in,
                                       int8_t *out, const int32_t *records, void *scratch,
                                       ek_depthwise_lines_fn lines) {
  const int32_t out_bytes = p->out_n * p->out_lines * p->channels * p->multiplier;
  ek_depthwise_planes_run(p, in, out, records, scratch, lines, p->n * p->lines * p->channels,
                          out_bytes);
  ek_clamp_all(out, p->batches * out_bytes, p->low, p->high);
}

EK_KERNEL void ek_depthwise_planes(const ek_depthwise_planes_params *p, const int8_t *in,
                                   int8_t *out, const int32_t *records, void *scratch) {
  ek_depthwise_planes_all(p, in, out, records, scratch, ek_depthwise_lines_for(p->stride, p->away));
}

#endif
