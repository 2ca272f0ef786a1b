/* SPDX-License-Identifier: Apache-2.0 */
/* SUM: int8, added up in 32 bits, then scaled once. */
#ifndef EK_SUM_H
#define EK_SUM_H

#include "ek_reduce.h"

typedef struct {
  ek_reduce_shape shape;
} ek_sum_params;

/* `offset` is minus the input's zero point times the elements of one sum. */
typedef struct {
  int32_t offset, multiplier, shift, out_offset;
} ek_sum_quant;

EK_KERNEL int8_t ek_sum_one(const ek_reduce_shape *s, const int8_t *in, const ek_sum_quant *q) {
  int32_t sum = q->offset;
  EK_REDUCE(s, sum += in[i]);
  return (int8_t)ek_clamp(ek_scale(sum, q->multiplier, q->shift) + q->out_offset, -128, 127);
}

EK_KERNEL void ek_sum(const ek_sum_params *p, const int8_t *in, int8_t *out,
                      const ek_sum_quant *q) {
  EK_KEPT(&p->shape, out[io] = ek_sum_one(&p->shape, in + i, q));
}

#endif
