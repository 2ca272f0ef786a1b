/* SPDX-License-Identifier: Apache-2.0 */
/* SUB: int8, as TFLM's reference kernel. */
#ifndef EK_SUB_H
#define EK_SUB_H

#include "ek_common_scale.h"

typedef ek_common_scale_params ek_sub_params;

EK_KERNEL void ek_sub(const ek_sub_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                      const ek_common_scale_quant *q) {
  EK_BROADCAST(&p->shape, out[io] = ek_common_scale_sum(a[ia], b[ib], -1, q));
}

#endif
