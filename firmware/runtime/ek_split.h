/* SPDX-License-Identifier: Apache-2.0 */
/* SPLIT, SPLIT_V and UNPACK: a tensor of any type cut along an axis. */
#ifndef EK_SPLIT_H
#define EK_SPLIT_H

#include "ek_kernel.h"

/* `rows` times, each part takes `each` bytes, or part i takes sizes[i] where they differ. */
typedef struct {
  int32_t rows, parts, each, sizes[10];
} ek_split_params;

EK_KERNEL void ek_split_parts(const ek_split_params *p, const void *in, void *const *outs) {
  const uint8_t *from = (const uint8_t *)in;
  for (int32_t row = 0; row < p->rows; ++row) {
    for (int32_t i = 0; i < p->parts; ++i) {
      const int32_t bytes = p->each ? p->each : p->sizes[i];
      memcpy((uint8_t *)outs[i] + row * bytes, from, (size_t)bytes);
      from += bytes;
    }
  }
}

#define ek_split(p, in, ...) ek_split_parts(p, in, (void *const[]){__VA_ARGS__})

#endif
