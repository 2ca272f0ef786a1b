/* SPDX-License-Identifier: Apache-2.0 */
/* ZEROS_LIKE: zero bytes, whatever the type and zero point. */
#ifndef EK_ZEROS_LIKE_H
#define EK_ZEROS_LIKE_H

#include "ek_kernel.h"

typedef struct {
  int32_t bytes;
} ek_zeros_like_params;

EK_KERNEL void ek_zeros_like(const ek_zeros_like_params *p, void *out) {
  memset(out, 0, (size_t)p->bytes);
}

#endif
