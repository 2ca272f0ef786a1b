/* SPDX-License-Identifier: Apache-2.0 */
/* ARG_MIN: int8 to int32, the index of the least along one axis, the first of equals. */
#ifndef EK_ARG_MIN_H
#define EK_ARG_MIN_H

#include "ek_kernel.h"

typedef struct {
  int32_t outer, side, inner; /* elements before, along and after the axis */
} ek_arg_min_params;

EK_KERNEL void ek_arg_min(const ek_arg_min_params *p, const int8_t *in, int32_t *out) {
  for (int32_t o = 0; o < p->outer; ++o, in += p->side * p->inner) {
    for (int32_t i = 0; i < p->inner; ++i, ++out) {
      int32_t best = 0;
      for (int32_t at = 1; at < p->side; ++at) {
        if (in[at * p->inner + i] < in[best * p->inner + i]) best = at;
      }
      *out = best;
    }
  }
}

#endif
