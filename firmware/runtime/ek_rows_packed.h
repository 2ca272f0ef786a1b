/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 CONV_2D, and FULLY_CONNECTED of many rows, over packed weights: four rows at a time.
 *
 * `out` may be `in` where rows do not grow: four rows are read before the first of them is written.
 */
#ifndef EK_ROWS_PACKED_H
#define EK_ROWS_PACKED_H

#include "ek_dense_pixels.h"

typedef struct {
  int32_t rows, in_c;
  ek_dense_layer layer;
} ek_rows_packed_params;

EK_NOINLINE void ek_rows_packed_run(const ek_rows_packed_params *p, const int8_t *in, int8_t *out,
                                    const int32_t *stream, void *scratch, ek_dense_block_fn block,
                                    ek_expand_fn expand) {
  int32_t *x = (int32_t *)scratch;
  ek_dense_run run = ek_dense_run_of(&p->layer, stream, block, expand);
  const ek_expand_shape row = ek_expand_shape_of(p->in_c, 1, p->in_c);
  const int8_t *pixels[4];
  int32_t left = p->rows;
  for (; left >= 4; left -= 4, out += 4 * p->layer.out_c) {
    for (int32_t i = 0; i < 4; ++i, in += p->in_c) pixels[i] = in;
    (void)expand(x, pixels, &row);
    ek_dense_four(&run, x, out);
  }
  if (left == 0) return;
  for (int32_t i = 0; i < 4; ++i) pixels[i] = in + ek_pixel_of(i, left) * p->in_c;
  (void)expand(x, pixels, &row);
  ek_dense_pixels(&run, x, out, left);
}

EK_KERNEL void ek_rows_packed(const ek_rows_packed_params *p, const int8_t *in, int8_t *out,
                              const int32_t *stream, void *scratch) {
  ek_rows_packed_run(p, in, out, stream, scratch, ek_dense_block_for(p->layer.away),
                     ek_expand_block_fn());
  ek_clamp_all(out, p->rows * p->layer.out_c, p->layer.low, p->layer.high);
}

#endif
