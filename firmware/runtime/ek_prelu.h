/* SPDX-License-Identifier: Apache-2.0 */
/* PRELU: int8; values below zero are multiplied by a learnt slope, itself int8. */
#ifndef EK_PRELU_H
#define EK_PRELU_H

#include "ek_broadcast.h"

typedef struct {
  ek_broadcast_shape shape;
} ek_prelu_params;

/* `multiplier` is for values >= 0, `slope_multiplier` for the product of value and slope. */
typedef struct {
  int32_t in_offset, slope_offset, out_offset;
  int32_t multiplier, shift, slope_multiplier, slope_shift;
} ek_prelu_quant;

EK_KERNEL int8_t ek_prelu_one(int32_t value, int32_t slope, const ek_prelu_quant *q) {
  const int32_t x = value + q->in_offset;
  const int32_t y =
      x >= 0 ? ek_scale(x, q->multiplier, q->shift)
             : ek_scale(x * (slope + q->slope_offset), q->slope_multiplier, q->slope_shift);
  return (int8_t)ek_clamp(y + q->out_offset, -128, 127);
}

EK_KERNEL void ek_prelu(const ek_prelu_params *p, const int8_t *in, const int8_t *slopes,
                        int8_t *out, const ek_prelu_quant *q) {
  EK_BROADCAST(&p->shape, out[io] = ek_prelu_one(in[ia], slopes[ib], q));
}

#endif
