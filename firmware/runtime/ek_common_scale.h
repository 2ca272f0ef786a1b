/* SPDX-License-Identifier: Apache-2.0 */
/* What ADD and SUB share: int8 inputs brought to a common scale with 20 spare bits. */
#ifndef EK_COMMON_SCALE_H
#define EK_COMMON_SCALE_H

#include "ek_broadcast.h"

typedef struct {
  ek_broadcast_shape shape;
} ek_common_scale_params;

typedef struct {
  int32_t a_offset, a_multiplier, a_shift;
  int32_t b_offset, b_multiplier, b_shift;
  int32_t out_offset, out_multiplier, out_shift, low, high;
} ek_common_scale_quant;

/* a + sign * b; `sign` is a constant 1 or -1 at each call. */
EK_KERNEL int8_t ek_common_scale_sum(int32_t a, int32_t b, int32_t sign,
                                     const ek_common_scale_quant *q) {
  const int32_t wide_a = ek_scale((a + q->a_offset) * (1 << 20), q->a_multiplier, q->a_shift);
  const int32_t wide_b = ek_scale((b + q->b_offset) * (1 << 20), q->b_multiplier, q->b_shift);
  const int32_t sum = ek_scale(wide_a + sign * wide_b, q->out_multiplier, q->out_shift);
  return (int8_t)ek_clamp(sum + q->out_offset, q->low, q->high);
}

#endif
