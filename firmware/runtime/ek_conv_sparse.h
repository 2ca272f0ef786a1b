/* SPDX-License-Identifier: Apache-2.0 */
/* CONV_2D over the words of its packed weights that are not zero; otherwise as ek_conv_packed.h. */
#ifndef EK_CONV_SPARSE_H
#define EK_CONV_SPARSE_H

#include "ek_conv_packed.h"
#include "ek_expand_pairs.h"
#include "ek_sparse_block.h"

typedef struct {
  int32_t six; /* 1: weights are words of any two out of four inputs */
  ek_conv_packed_params conv;
} ek_conv_sparse_params;

EK_KERNEL void ek_conv_sparse(const ek_conv_sparse_params *p, const int8_t *in, int8_t *out,
                              const int32_t *stream, void *scratch) {
  const ek_conv_packed_params *q = &p->conv;
  ek_conv_packed_run(q, in, out, stream, scratch, ek_sparse_block_for(q->layer.away),
                     ek_expand_pairs_for(p->six));
  ek_clamp_all(out, q->batches * q->out_h * q->out_w * q->layer.out_c, q->layer.low, q->layer.high);
}

#endif
