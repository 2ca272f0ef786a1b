/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 CONV_2D, and FULLY_CONNECTED of many rows, over the words of packed weights that are not
 * zero; otherwise as ek_rows_packed.h.
 */
#ifndef EK_ROWS_SPARSE_H
#define EK_ROWS_SPARSE_H

#include "ek_expand_pairs.h"
#include "ek_rows_packed.h"
#include "ek_sparse_block.h"

typedef struct {
  int32_t six; /* 1: weights are words of any two out of four inputs */
  ek_rows_packed_params rows;
} ek_rows_sparse_params;

EK_KERNEL void ek_rows_sparse(const ek_rows_sparse_params *p, const int8_t *in, int8_t *out,
                              const int32_t *stream, void *scratch) {
  const ek_rows_packed_params *q = &p->rows;
  ek_rows_packed_run(q, in, out, stream, scratch, ek_sparse_block_for(q->layer.away),
                     ek_expand_pairs_for(p->six));
  ek_clamp_all(out, q->rows * q->layer.out_c, q->layer.low, q->layer.high);
}

#endif
