/* SPDX-License-Identifier: Apache-2.0 */
/* REDUCE_MIN: int8, the smallest along axes; input and output share their scale. */
#ifndef EK_REDUCE_MIN_H
#define EK_REDUCE_MIN_H

#include "ek_reduce.h"

typedef struct {
  ek_reduce_shape shape;
} ek_reduce_min_params;

EK_KERNEL int32_t ek_min_of(const ek_reduce_shape *s, const int8_t *in) {
  int32_t found = 127;
  EK_REDUCE(s, found = ek_min(found, in[i]));
  return found;
}

EK_KERNEL void ek_reduce_min(const ek_reduce_min_params *p, const int8_t *in, int8_t *out) {
  EK_KEPT(&p->shape, out[io] = (int8_t)ek_min_of(&p->shape, in + i));
}

#endif
