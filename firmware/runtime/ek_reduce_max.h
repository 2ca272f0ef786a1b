/* SPDX-License-Identifier: Apache-2.0 */
/* REDUCE_MAX: int8, the largest along axes; input and output share their scale. */
#ifndef EK_REDUCE_MAX_H
#define EK_REDUCE_MAX_H

#include "ek_reduce.h"

typedef struct {
  ek_reduce_shape shape;
} ek_reduce_max_params;

EK_KERNEL int32_t ek_max_of(const ek_reduce_shape *s, const int8_t *in) {
  int32_t found = -128;
  EK_REDUCE(s, found = ek_max(found, in[i]));
  return found;
}

EK_KERNEL void ek_reduce_max(const ek_reduce_max_params *p, const int8_t *in, int8_t *out) {
  EK_KEPT(&p->shape, out[io] = (int8_t)ek_max_of(&p->shape, in + i));
}

#endif
