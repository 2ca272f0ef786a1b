/* SPDX-License-Identifier: Apache-2.0 */
/* GATHER with indices that are computed or given at run time, along one axis; any type. */
#ifndef EK_GATHER_AT_H
#define EK_GATHER_AT_H

#include "ek_kernel.h"

/* As ek_gather_params. */
typedef struct {
  int32_t batches, outer, side, count, bytes;
} ek_gather_at_params;

/* An index outside of `in` gives its nearest slice: with TFLM the inference fails. */
EK_KERNEL void ek_gather_at(const ek_gather_at_params *p, const void *in0, const int32_t *in1,
                            void *out) {
  const uint8_t *from = (const uint8_t *)in0;
  uint8_t *to = (uint8_t *)out;
  for (int32_t i = 0; i < p->batches * p->outer; ++i, from += p->side * p->bytes) {
    const int32_t *chosen = in1 + i / p->outer * p->count;
    for (int32_t j = 0; j < p->count; ++j, to += p->bytes) {
      memcpy(to, from + ek_clamp(chosen[j], 0, p->side - 1) * p->bytes, (size_t)p->bytes);
    }
  }
}

#endif
