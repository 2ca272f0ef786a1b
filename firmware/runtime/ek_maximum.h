/* SPDX-License-Identifier: Apache-2.0 */
/* MAXIMUM: the larger of two int8 values; scales are taken to be the same, as TFLM does. */
#ifndef EK_MAXIMUM_H
#define EK_MAXIMUM_H

#include "ek_broadcast.h"

typedef struct {
  ek_broadcast_shape shape;
} ek_maximum_params;

EK_KERNEL void ek_maximum(const ek_maximum_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out) {
  EK_BROADCAST(&p->shape, out[io] = (int8_t)ek_max(a[ia], b[ib]));
}

#endif
