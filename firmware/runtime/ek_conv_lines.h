/* SPDX-License-Identifier: Apache-2.0 */
/* CONV_2D over the words of packed weights that are not zero, without windows.
 *
 * Each input row is expanded once, into lines: one for each pair of channels and each remainder of
 * the column by the stride, a word per column. The words of four neighbouring outputs then stand
 * side by side for every tap, so an entry of the stream says where they are and no window is ever
 * put together. `slots` rows are held; the kernel's rows move down through them.
 */
#ifndef EK_CONV_LINES_H
#define EK_CONV_LINES_H

#include "ek_dense_pixels.h"
#include "ek_expand_pairs.h"
#include "ek_sparse_block.h"
#include "ek_words.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, k_h, k_w;
  int32_t stride_h, stride_w, pad_top, pad_left, batches;
  int32_t in_zero_point; /* what padding is */
  int32_t pitch;         /* words of a line, a multiple of 4 */
  int32_t slots;         /* rows that are held, k_h or more */
  ek_dense_layer layer;
} ek_conv_lines_params;

/* One row into its slot; `padding` is a column of zero points. */
EK_NOINLINE void ek_lines_expand(const ek_conv_lines_params *p, const int8_t *row,
                                 const int8_t *padding, int32_t *slot) {
  const ek_expand_shape shape = {p->in_c / 4, p->in_c % 4, p->stride_w * p->pitch * 4, 0};
  for (int32_t phase = 0; phase < p->stride_w; ++phase, slot += p->pitch) {
    int32_t column = phase - p->pad_left;
    for (int32_t at = 0; at < p->pitch; at += 4) {
      const int8_t *pixels[4];
      for (int32_t i = 0; i < 4; ++i, column += p->stride_w) {
        const int inside = row != NULL && column >= 0 && column < p->in_w;
        pixels[i] = inside ? row + column * p->in_c : padding;
      }
      ek_expand_lines(slot + at, pixels, &shape);
    }
  }
}

EK_NOINLINE void ek_conv_lines_image(const ek_conv_lines_params *p, const int8_t *in, int8_t *out,
                                     int32_t *rows, const int8_t *padding, ek_dense_run *run) {
  const int32_t words = (p->in_c + 1) / 2 * p->stride_w * p->pitch;
  int32_t top = -p->pad_top, first = 0, held = 0; /* rows of the input in slots first, ... */
  for (int32_t y = 0; y < p->out_h; ++y, out += p->out_w * p->layer.out_c) {
    if (first + p->k_h > p->slots) {
      ek_words_move(rows, rows + first * words, held * words / 4);
      first = 0;
    }
    for (; held < p->k_h; ++held) {
      const int32_t at = top + held;
      const int8_t *row = at >= 0 && at < p->in_h ? in + at * p->in_w * p->in_c : NULL;
      ek_lines_expand(p, row, padding, rows + (first + held) * words);
    }
    for (int32_t x = 0; x < p->out_w; x += 4) {
      const int32_t from = ek_min(x, p->out_w - 4);
      ek_dense_pixels(run, rows + first * words + from, out + from * p->layer.out_c, 4);
    }
    const int32_t gone = ek_min(p->stride_h, p->k_h);
    top += p->stride_h;
    first += gone;
    held -= gone;
  }
}

EK_NOINLINE void ek_conv_lines_run(const ek_conv_lines_params *p, const int8_t *in, int8_t *out,
                                   const int32_t *stream, void *scratch, ek_dense_block_fn block) {
  int32_t *rows = (int32_t *)scratch;
  int8_t *padding = (int8_t *)(rows + p->slots * ((p->in_c + 1) / 2 * p->stride_w * p->pitch));
  ek_dense_run run = ek_dense_run_of(&p->layer, stream, block, NULL);
  memset(padding, p->in_zero_point, (size_t)p->in_c);
  for (int32_t b = 0; b < p->batches; ++b) {
    ek_conv_lines_image(p, in, out, rows, padding, &run);
    in += p->in_h * p->in_w * p->in_c;
    out += p->out_h * p->out_w * p->layer.out_c;
  }
}

EK_KERNEL void ek_conv_lines(const ek_conv_lines_params *p, const int8_t *in, int8_t *out,
                             const int32_t *stream, void *scratch) {
  ek_conv_lines_run(p, in, out, stream, scratch, ek_sparse_lines_for(p->layer.away));
  ek_clamp_all(out, p->batches * p->out_h * p->out_w * p->layer.out_c, p->layer.low, p->layer.high);
}

#endif
