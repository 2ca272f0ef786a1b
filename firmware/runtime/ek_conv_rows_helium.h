/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 CONV_2D of stride 1 with Helium, row by row: input channels in sixteens, output channels in
 * twos.
 *
 * The scratch holds pointers to lines, then four padded input rows of [16 channels][column]: three
 * that take turns, and one of padding alone.
 */
#ifndef EK_CONV_ROWS_HELIUM_H
#define EK_CONV_ROWS_HELIUM_H

#include "ek_clamp.h"
#include "ek_helium_copy.h"
#include "ek_helium_row.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c, pad_top, pad_left, batches;
  int32_t in_zero_point;
  int32_t zero_point, away, low, high; /* see ek_helium_layer */
} ek_conv_rows_helium_params;

typedef struct {
  const ek_conv_rows_helium_params *p;
  const int8_t **lines;
  int8_t *rows;
  int32_t line_bytes, row_bytes;
} ek_conv_rows_state;

EK_KERNEL void ek_conv_rows_load(const ek_conv_rows_state *s, const int8_t *in, int32_t y) {
  const ek_conv_rows_helium_params *p = s->p;
  const int32_t fit = ek_min(p->in_w, s->line_bytes / 16 - p->pad_left);
  const ek_copy_shape copy = {16, fit, p->in_c, 16};
  int8_t *to = s->rows + y % 3 * s->row_bytes + 16 * p->pad_left;
  const int8_t *from = in + y * p->in_w * p->in_c;
  for (int32_t c = 0; c < p->in_c; c += 16, to += s->line_bytes) {
    ek_helium_copy(to, from + c, &copy);
  }
}

EK_KERNEL void ek_conv_rows_lines(const ek_conv_rows_state *s, int32_t top) {
  const int8_t **to = s->lines;
  for (int32_t y = top; y < top + 3; ++y) {
    const int32_t inside = y >= 0 && y < s->p->in_h;
    const int8_t *from = s->rows + (inside ? y % 3 : 3) * s->row_bytes;
    for (int32_t c = 0; c < s->p->in_c; c += 16, from += s->line_bytes) *to++ = from;
  }
}

EK_KERNEL void ek_conv_rows_image(const ek_conv_rows_state *s, const int8_t *in, int8_t *out,
                                  const int32_t *stream, int32_t away) {
  const ek_conv_rows_helium_params *p = s->p;
  const int32_t quads = (p->out_w + 3) / 4;
  const int32_t last = 0xFFFF >> (4 * (4 * quads - p->out_w));
  const ek_helium_row row = {s->lines, p->in_c / 16 * 3, p->out_c / 2, quads,
                             p->out_c, p->zero_point,    last};
  int32_t have = 0;
  for (int32_t y = 0; y < p->out_h; ++y, out += p->out_w * p->out_c) {
    const int32_t top = y - p->pad_top;
    for (; have < ek_min(top + 3, p->in_h); ++have) ek_conv_rows_load(s, in, have);
    ek_conv_rows_lines(s, top);
    ek_helium_row_run(stream, out, &row, away);
  }
}

EK_KERNEL void ek_conv_rows_all(const ek_conv_rows_helium_params *p, const int8_t *in, int8_t *out,
                                const int32_t *stream, void *scratch, int32_t away) {
  ek_conv_rows_state s = {p, (const int8_t **)scratch, 0, 0, 0};
  s.rows = (int8_t *)(s.lines + p->in_c / 16 * 3);
  s.line_bytes = ((p->out_w + 3) / 4 * 4 + 2) * 16;
  s.row_bytes = p->in_c / 16 * s.line_bytes;
  ek_helium_fill(s.rows, 4 * s.row_bytes, p->in_zero_point);
  for (int32_t b = 0; b < p->batches; ++b) {
    ek_conv_rows_image(&s, in, out, stream, away);
    in += p->in_h * p->in_w * p->in_c;
    out += p->out_h * p->out_w * p->out_c;
  }
}

EK_NOINLINE void ek_conv_rows_up(const ek_conv_rows_helium_params *p, const int8_t *in, int8_t *out,
                                 const int32_t *stream, void *scratch) {
  ek_conv_rows_all(p, in, out, stream, scratch, 0);
}
EK_NOINLINE void ek_conv_rows_away(const ek_conv_rows_helium_params *p, const int8_t *in,
                                   int8_t *out, const int32_t *stream, void *scratch) {
  ek_conv_rows_all(p, in, out, stream, scratch, 1);
}

EK_KERNEL void ek_conv_rows_helium(const ek_conv_rows_helium_params *p, const int8_t *in,
                                   int8_t *out, const int32_t *stream, void *scratch) {
  if (p->away) {
    ek_conv_rows_away(p, in, out, stream, scratch);
  } else {
    ek_conv_rows_up(p, in, out, stream, scratch);
  }
  ek_clamp_all(out, p->batches * p->out_h * p->out_w * p->out_c, p->low, p->high);
}

#endif
