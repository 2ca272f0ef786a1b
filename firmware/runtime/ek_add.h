/* SPDX-License-Identifier: Apache-2.0 */
/* ADD: int8, both inputs brought to a common scale with 20 extra bits (TFLM's AddElementwise). */
#ifndef EK_ADD_H
#define EK_ADD_H

#include "ek_broadcast.h"

typedef struct {
  ek_broadcast_shape shape;
} ek_add_params;

typedef struct {
  int32_t a_offset, a_multiplier, a_shift;
  int32_t b_offset, b_multiplier, b_shift;
  int32_t out_offset, out_multiplier, out_shift, low, high;
} ek_add_quant;

EK_KERNEL int8_t ek_add_one(int32_t a, int32_t b, const ek_add_quant *q) {
  const int32_t wide_a = ek_scale((a + q->a_offset) * (1 << 20), q->a_multiplier, q->a_shift);
  const int32_t wide_b = ek_scale((b + q->b_offset) * (1 << 20), q->b_multiplier, q->b_shift);
  const int32_t sum = ek_scale(wide_a + wide_b, q->out_multiplier, q->out_shift);
  return (int8_t)ek_clamp(sum + q->out_offset, q->low, q->high);
}

EK_KERNEL void ek_add(const ek_add_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                      const ek_add_quant *q) {
  EK_BROADCAST(&p->shape, out[io] = ek_add_one(a[ia], b[ib], q));
}

#endif
