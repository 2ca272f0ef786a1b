/* SPDX-License-Identifier: Apache-2.0 */
/* SQUARED_DIFFERENCE: int8, both inputs brought to a common scale with 7 extra bits. */
#ifndef EK_SQUARED_DIFFERENCE_H
#define EK_SQUARED_DIFFERENCE_H

#include "ek_common_scale.h"

typedef ek_common_scale_params ek_squared_difference_params;

EK_KERNEL int8_t ek_squared_difference_one(int32_t a, int32_t b, const ek_common_scale_quant *q) {
  const int32_t wide_a = ek_scale((a + q->a_offset) * (1 << 7), q->a_multiplier, q->a_shift);
  const int32_t wide_b = ek_scale((b + q->b_offset) * (1 << 7), q->b_multiplier, q->b_shift);
  const int32_t square = (wide_a - wide_b) * (wide_a - wide_b);
  const int32_t scaled = ek_scale(square, q->out_multiplier, q->out_shift);
  return (int8_t)ek_clamp(scaled + q->out_offset, q->low, q->high);
}

EK_KERNEL void ek_squared_difference(const ek_squared_difference_params *p, const int8_t *a,
                                     const int8_t *b, int8_t *out, const ek_common_scale_quant *q) {
  EK_BROADCAST(&p->shape, out[io] = ek_squared_difference_one(a[ia], b[ib], q));
}

#endif
