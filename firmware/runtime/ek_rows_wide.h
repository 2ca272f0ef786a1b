/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 CONV_2D, and FULLY_CONNECTED of many rows, over weights of 16 bits; otherwise as
 * ek_rows_packed.h. */
#ifndef EK_ROWS_WIDE_H
#define EK_ROWS_WIDE_H

#include "ek_rows_packed.h"
#include "ek_wide_block.h"

typedef ek_rows_packed_params ek_rows_wide_params;

EK_KERNEL void ek_rows_wide(const ek_rows_wide_params *p, const int8_t *in, int8_t *out,
                            const int32_t *stream, void *scratch) {
  ek_rows_packed_run(p, in, out, stream, scratch, ek_wide_block_for(p->layer.away),
                     ek_expand_block_fn());
  ek_clamp_all(out, p->rows * p->layer.out_c, p->layer.low, p->layer.high);
}

#endif
