/* SPDX-License-Identifier: Apache-2.0 */
/* GATHER with constant indices along one axis; any type. */
#ifndef EK_GATHER_H
#define EK_GATHER_H

#include "ek_kernel.h"

/* `batches` times `outer` stretches of `side` slices, each of `bytes`; every batch has its own
 * `count` indices. */
typedef struct {
  int32_t batches, outer, side, count, bytes;
} ek_gather_params;

EK_KERNEL void ek_gather(const ek_gather_params *p, const void *in, void *out,
                         const int32_t *indices) {
  const uint8_t *from = (const uint8_t *)in;
  uint8_t *to = (uint8_t *)out;
  for (int32_t i = 0; i < p->batches * p->outer; ++i, from += p->side * p->bytes) {
    const int32_t *chosen = indices + i / p->outer * p->count;
    for (int32_t j = 0; j < p->count; ++j, to += p->bytes) {
      memcpy(to, from + chosen[j] * p->bytes, (size_t)p->bytes);
    }
  }
}

#endif
