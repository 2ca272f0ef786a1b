/* SPDX-License-Identifier: Apache-2.0 */
/* SUB: int8, both inputs brought to a common scale with 20 extra bits, as in ek_add.h. */
#ifndef EK_SUB_H
#define EK_SUB_H

#include "ek_add.h"

typedef ek_add_params ek_sub_params;

EK_KERNEL int8_t ek_sub_one(int32_t a, int32_t b, const ek_add_quant *q) {
  const int32_t wide_a = ek_scale((a + q->a_offset) * (1 << 20), q->a_multiplier, q->a_shift);
  const int32_t wide_b = ek_scale((b + q->b_offset) * (1 << 20), q->b_multiplier, q->b_shift);
  const int32_t rest = ek_scale(wide_a - wide_b, q->out_multiplier, q->out_shift);
  return (int8_t)ek_clamp(rest + q->out_offset, q->low, q->high);
}

EK_KERNEL void ek_sub(const ek_sub_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                      const ek_add_quant *q) {
  EK_BROADCAST(&p->shape, out[io] = ek_sub_one(a[ia], b[ib], q));
}

#endif
