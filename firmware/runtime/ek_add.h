/* SPDX-License-Identifier: Apache-2.0 */
/* ADD: int8, as TFLM's reference kernel. */
#ifndef EK_ADD_H
#define EK_ADD_H

#include "ek_common_scale.h"

typedef ek_common_scale_params ek_add_params;

EK_KERNEL void ek_add(const ek_add_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                      const ek_common_scale_quant *q) {
  EK_BROADCAST(&p->shape, out[io] = ek_common_scale_sum(a[ia], b[ib], 1, q));
}

#endif
