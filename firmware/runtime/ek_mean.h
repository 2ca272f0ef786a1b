/* SPDX-License-Identifier: Apache-2.0 */
/* MEAN: int8; a SUM, the division by the count being part of the generator's multiplier. */
#ifndef EK_MEAN_H
#define EK_MEAN_H

#include "ek_sum.h"

typedef ek_sum_params ek_mean_params;

EK_KERNEL void ek_mean(const ek_mean_params *p, const int8_t *in, int8_t *out,
                       const ek_sum_quant *q) {
  ek_sum(p, in, out, q);
}

#endif
