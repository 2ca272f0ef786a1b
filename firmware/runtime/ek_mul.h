/* SPDX-License-Identifier: Apache-2.0 */
/* MUL: int8, the product of both inputs scaled once to the output. */
#ifndef EK_MUL_H
#define EK_MUL_H

#include "ek_broadcast.h"

typedef struct {
  ek_broadcast_shape shape;
} ek_mul_params;

typedef struct {
  int32_t a_offset, b_offset, out_offset, multiplier, shift, low, high;
} ek_mul_quant;

EK_KERNEL int8_t ek_mul_one(int32_t a, int32_t b, const ek_mul_quant *q) {
  const int32_t product = (a + q->a_offset) * (b + q->b_offset);
  return (int8_t)ek_clamp(ek_scale(product, q->multiplier, q->shift) + q->out_offset, q->low,
                          q->high);
}

EK_KERNEL void ek_mul(const ek_mul_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                      const ek_mul_quant *q) {
  EK_BROADCAST(&p->shape, out[io] = ek_mul_one(a[ia], b[ib], q));
}

#endif
