/* SPDX-License-Identifier: Apache-2.0 */
/* CONCATENATION and PACK: tensors of any type joined along an axis. */
#ifndef EK_CONCATENATION_H
#define EK_CONCATENATION_H

#include "ek_kernel.h"

/* `rows` times, each part gives `each` bytes, or part i gives sizes[i] where they differ. */
typedef struct {
  int32_t rows, parts, each, sizes[10];
} ek_concatenation_params;

/* `ends`: the inputs, then the output. */
EK_KERNEL void ek_concatenation_parts(const ek_concatenation_params *p, const void *const *ends) {
  uint8_t *out = (uint8_t *)(uintptr_t)ends[p->parts];
  for (int32_t row = 0; row < p->rows; ++row) {
    for (int32_t i = 0; i < p->parts; ++i) {
      const int32_t bytes = p->each ? p->each : p->sizes[i];
      memcpy(out, (const uint8_t *)ends[i] + row * bytes, (size_t)bytes);
      out += bytes;
    }
  }
}

#define ek_concatenation(p, ...) ek_concatenation_parts(p, (const void *const[]){__VA_ARGS__})

#endif
