/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 CONV_2D, and FULLY_CONNECTED of many rows, for cores with plain products: six rows at a time,
 * in trios.
 *
 * `out` may be `in` where rows do not grow: six rows are read before the first of them is written.
 */
#ifndef EK_ROWS_TRIO_H
#define EK_ROWS_TRIO_H

#include "ek_trio_expand.h"

typedef struct {
  int32_t rows, in_c, out_c, away;
} ek_rows_trio_params;

EK_NOINLINE void ek_rows_trio_run(const ek_rows_trio_params *p, const int8_t *in, int8_t *out,
                                  const uint8_t *weights, const ek_stepped *records, uint32_t *x,
                                  ek_trio_block_fn block) {
  ek_trio_shape shape = ek_trio_shape_of(p->in_c, p->out_c, 6);
  for (int32_t left = p->rows; left > 0; left -= 6) {
    const int32_t last = ek_min(left, 6) - 1;
    uint32_t sums[4] = {0, 0, 0, 0};
    if (last < 5) shape = ek_trio_shape_of(p->in_c, p->out_c, left);
    for (int32_t i = 0; i < 6; i += 3) {
      const int8_t *a = in + ek_min(i, last) * p->in_c;
      const int8_t *b = in + ek_min(i + 1, last) * p->in_c;
      const int8_t *c = in + ek_min(i + 2, last) * p->in_c;
      const int32_t word = i ? 2 : 0;
      ek_trio_expand(x + 4 + word, a, b, c, p->in_c, sums + word);
    }
    ek_trio_offsets(x, sums);
    block(x, weights, records, out, &shape);
    in += 6 * p->in_c;
    out += 6 * p->out_c;
  }
}

EK_KERNEL void ek_rows_trio(const ek_rows_trio_params *p, const int8_t *in, int8_t *out,
                            const uint8_t *weights, const ek_stepped *records, void *scratch) {
  ek_rows_trio_run(p, in, out, weights, records, (uint32_t *)scratch, ek_trio_block_for(p->away));
}

#endif
