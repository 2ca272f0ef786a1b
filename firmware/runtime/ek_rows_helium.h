/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 CONV_2D, and FULLY_CONNECTED of many rows, with Helium: some rows at a time.
 *
 * `out` may be `in` where rows do not grow: rows are copied before the first of them is written.
 */
#ifndef EK_ROWS_HELIUM_H
#define EK_ROWS_HELIUM_H

#include "ek_helium_pixels.h"

typedef struct {
  int32_t rows, in_c;
  int32_t pixels; /* rows at a time, at most EK_HELIUM_PIXELS */
  ek_helium_layer layer;
} ek_rows_helium_params;

EK_NOINLINE void ek_rows_helium_run(const ek_rows_helium_params *p, const int8_t *in, int8_t *out,
                                    const int32_t *stream, int8_t *x, ek_helium_block_fn block) {
  const int32_t bytes = 16 * p->layer.steps;
  const int32_t whole = p->in_c == bytes; /* rows without gaps are one run */
  for (int32_t left = p->rows; left > 0; left -= p->pixels) {
    const int32_t count = ek_min(left, p->pixels);
    const ek_copy_shape copy = {whole ? bytes * count : p->in_c, whole ? 1 : count, p->in_c, bytes};
    ek_helium_copy(x, in, &copy);
    ek_helium_pixels(&p->layer, x, stream, out, count, block);
    in += count * p->in_c;
    out += count * p->layer.out_c;
  }
}

EK_KERNEL void ek_rows_helium(const ek_rows_helium_params *p, const int8_t *in, int8_t *out,
                              const int32_t *stream, void *scratch) {
  ek_rows_helium_run(p, in, out, stream, (int8_t *)scratch,
                     ek_helium_block_for(p->layer.steps, p->layer.away));
  ek_clamp_all(out, p->rows * p->layer.out_c, p->layer.low, p->layer.high);
}

#endif
