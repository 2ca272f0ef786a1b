/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 DEPTHWISE_CONV_2D with Helium, channel by channel: stride 1, or stride 2 along lines.
 *
 * A line is a row or a column of the image, whichever the generator found cheaper. Where all strips
 * of a channel are in the scratch at once, `out` may be `in`.
 */
#ifndef EK_DEPTHWISE_HELIUM_H
#define EK_DEPTHWISE_HELIUM_H

#include "ek_clamp.h"
#include "ek_helium_lines.h"

typedef struct {
  /* Along a line: inputs, outputs, stride, padding before, bytes between neighbours. */
  int32_t n, out_n, stride, pad, in_step, out_step;
  /* Across: lines of input and output, stride, padding, bytes from line to line. */
  int32_t lines, out_lines, line_stride, line_pad, in_pitch, out_pitch;
  int32_t channels, batches;
  int32_t columns;     /* of a strip's table */
  int32_t strips_once; /* strips in the scratch at once */
  int32_t in_zero_point;
  int32_t zero_point, away, low, high; /* see ek_helium_layer */
} ek_depthwise_helium_params;

EK_KERNEL int32_t ek_depthwise_lines_once(const ek_depthwise_helium_params *p) {
  return p->stride == 1 ? 2 : 1;
}

EK_NOINLINE void ek_depthwise_strips(const ek_depthwise_helium_params *p, ek_helium_strip *strips) {
  const int32_t once = ek_depthwise_lines_once(p);
  for (int32_t line = 0; line < p->out_lines; line += once, ++strips) {
    strips->keep = 0;
    strips->fill = 0;
    for (int32_t j = 0; j < 4; ++j) {
      const int32_t y = line * p->line_stride - p->line_pad + ek_min(j, once + 1);
      const int32_t inside = y >= 0 && y < p->lines;
      const uint32_t byte = 0xFFu << (8 * j);
      strips->line[j] = inside ? y * p->in_pitch : 0;
      if (inside) {
        strips->keep = (int32_t)((uint32_t)strips->keep | byte);
      } else {
        const uint32_t value = (uint32_t)p->in_zero_point & 0xFFu;
        strips->fill = (int32_t)((uint32_t)strips->fill | value << (8 * j));
      }
    }
  }
}

/* Lanes that hold outputs: of `outputs` along the line that are left, of one line or of both. */
EK_KERNEL int32_t ek_depthwise_mask(const ek_depthwise_helium_params *p, int32_t outputs,
                                    int32_t both) {
  int32_t mask = 0;
  for (int32_t lane = 0; lane < 8; ++lane) {
    const int32_t k = lane / 2 + lane % 2 * 4;
    const int32_t at = p->stride == 1 ? k / 2 : k;
    const int32_t second = p->stride == 1 ? k % 2 : 0;
    if (at < outputs && (both || !second)) mask |= 3 << (2 * lane);
  }
  return mask;
}

EK_NOINLINE ek_helium_lines ek_depthwise_shape_of(const ek_depthwise_helium_params *p) {
  const int32_t once = p->stride == 1 ? 4 : 8;
  ek_helium_lines s;
  memset(&s, 0, sizeof s);
  s.n = p->n;
  s.in_step = p->in_step;
  s.strip_bytes = 4 * p->columns;
  s.before = 4 * p->pad;
  s.after = ek_max((p->out_n - 1) * p->stride + 3 - p->pad - p->n, 0);
  s.padding = (int32_t)(((uint32_t)p->in_zero_point & 0xFFu) * 0x01010101u);
  s.groups = (p->out_n + once - 1) / once;
  s.advance = once * p->out_step;
  s.out_strip = ek_depthwise_lines_once(p) * p->out_pitch;
  s.zero_point = p->zero_point;
  s.all = 0xFFFF;
  s.last_group = ek_depthwise_mask(p, p->out_n - (s.groups - 1) * once, 1);
  for (int32_t lane = 0; lane < 8; ++lane) {
    const int32_t k = lane / 2 + lane % 2 * 4;
    s.offsets[lane] =
        (uint16_t)(p->stride == 1 ? k / 2 * p->out_step + k % 2 * p->out_pitch : k * p->out_step);
  }
  return s;
}

EK_NOINLINE void ek_depthwise_helium_run(const ek_depthwise_helium_params *p, const int8_t *in,
                                         int8_t *out, const int32_t *records, void *scratch,
                                         ek_helium_lines_fn lines, int32_t in_bytes,
                                         int32_t out_bytes) {
  const int32_t once = ek_depthwise_lines_once(p);
  const int32_t strips = (p->out_lines + once - 1) / once;
  ek_helium_strip *all = (ek_helium_strip *)scratch;
  ek_helium_lines s = ek_depthwise_shape_of(p);
  s.table = (int8_t *)(all + strips);
  memset(s.table, p->in_zero_point, (size_t)(p->strips_once * s.strip_bytes));
  ek_depthwise_strips(p, all);
  for (int32_t b = 0; b < p->batches; ++b, in += in_bytes, out += out_bytes) {
    for (int32_t c = 0; c < p->channels; ++c) {
      for (int32_t first = 0; first < strips; first += p->strips_once) {
        const int32_t odd = first + p->strips_once >= strips && p->out_lines % once;
        s.count = ek_min(p->strips_once, strips - first);
        s.strips = all + first;
        s.last_strip = odd ? ek_depthwise_mask(p, 8, 0) : s.all;
        ek_helium_columns(in + c, &s);
        lines(out + first * s.out_strip + c, records + c * EK_HELIUM_RECORD, &s);
      }
    }
  }
}

EK_KERNEL void ek_depthwise_helium(const ek_depthwise_helium_params *p, const int8_t *in,
                                   int8_t *out, const int32_t *records, void *scratch) {
  const int32_t out_bytes = p->out_n * p->out_lines * p->channels;
  ek_depthwise_helium_run(p, in, out, records, scratch, ek_helium_lines_for(p->stride, p->away),
                          p->n * p->lines * p->channels, out_bytes);
  ek_clamp_all(out, p->batches * out_bytes, p->low, p->high);
}

#endif
