/* SPDX-License-Identifier: Apache-2.0 */
/* SLICE, STRIDED_SLICE, TRANSPOSE, DEPTH_TO_SPACE, SPACE_TO_DEPTH: a strided view, written densely.
 *
 * Any type: the generator counts in bytes. It merges axes and drops those of one element, so most
 * calls use only the last two or three loops and the others fold away.
 */
#ifndef EK_STRIDED_COPY_H
#define EK_STRIDED_COPY_H

#include "ek_kernel.h"

/* Sides d0..d5 with byte steps s0..s5 (negative where an axis runs backwards) of runs of `run`
 * bytes; the first lies `start` bytes into the input. */
typedef struct {
  int32_t start, run;
  int32_t d0, d1, d2, d3, d4, d5;
  int32_t s0, s1, s2, s3, s4, s5;
} ek_strided_copy_params;

EK_KERNEL uint8_t *ek_strided_copy_inner(const ek_strided_copy_params *p, const uint8_t *in,
                                         uint8_t *out) {
  for (int32_t i3 = 0; i3 < p->d3; ++i3) {
    for (int32_t i4 = 0; i4 < p->d4; ++i4) {
      for (int32_t i5 = 0; i5 < p->d5; ++i5, out += p->run) {
        memcpy(out, in + i3 * p->s3 + i4 * p->s4 + i5 * p->s5, (size_t)p->run);
      }
    }
  }
  return out;
}

EK_KERNEL void ek_strided_copy(const ek_strided_copy_params *p, const void *in, void *out) {
  const uint8_t *from = (const uint8_t *)in + p->start;
  uint8_t *to = (uint8_t *)out;
  for (int32_t i0 = 0; i0 < p->d0; ++i0) {
    for (int32_t i1 = 0; i1 < p->d1; ++i1) {
      for (int32_t i2 = 0; i2 < p->d2; ++i2) {
        to = ek_strided_copy_inner(p, from + i0 * p->s0 + i1 * p->s1 + i2 * p->s2, to);
      }
    }
  }
}

#endif
