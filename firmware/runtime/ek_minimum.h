/* SPDX-License-Identifier: Apache-2.0 */
/* MINIMUM: the smaller of two int8 values; scales are taken to be the same, as TFLM does. */
#ifndef EK_MINIMUM_H
#define EK_MINIMUM_H

#include "ek_broadcast.h"

typedef struct {
  ek_broadcast_shape shape;
} ek_minimum_params;

EK_KERNEL void ek_minimum(const ek_minimum_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out) {
  EK_BROADCAST(&p->shape, out[io] = (int8_t)ek_min(a[ia], b[ib]));
}

#endif
