/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 CONV_2D, and FULLY_CONNECTED of many rows, for cores with plain products: four rows at a
 * time.
 *
 * `out` may be `in` where rows do not grow: four rows are read before the first of them is written.
 */
#ifndef EK_ROWS_PLAIN_H
#define EK_ROWS_PLAIN_H

#include "ek_plain_block.h"

typedef struct {
  int32_t rows, in_c, out_c, away;
} ek_rows_plain_params;

EK_NOINLINE void ek_rows_plain_run(const ek_rows_plain_params *p, const int8_t *in, int8_t *out,
                                   const uint8_t *weights, const ek_stepped *records, int32_t *x,
                                   ek_plain_block_fn block) {
  for (int32_t left = p->rows; left > 0; left -= 4) {
    const int32_t count = ek_min(left, 4);
    const ek_plain_shape shape = {p->in_c, p->out_c, count > 1 ? p->out_c : 0,
                                  ek_max(count - 2, 0) * p->out_c};
    for (int32_t i = 0; i < 4; ++i) {
      const int8_t *from = in + ek_plain_pixel_of(i, count) * p->in_c;
      x[i] = -128 * ek_plain_expand(x + 4 + i, from, p->in_c);
    }
    block(x, weights, records, out, &shape);
    in += count * p->in_c;
    out += count * p->out_c;
  }
}

EK_KERNEL void ek_rows_plain(const ek_rows_plain_params *p, const int8_t *in, int8_t *out,
                             const uint8_t *weights, const ek_stepped *records, void *scratch) {
  ek_rows_plain_run(p, in, out, weights, records, (int32_t *)scratch, ek_plain_block_for(p->away));
}

#endif
