/* SPDX-License-Identifier: Apache-2.0 */
/* QUANTIZE: float32 to int8 or int16. */
#ifndef EK_QUANTIZE_H
#define EK_QUANTIZE_H

#include "ek_element.h"

typedef struct {
  int32_t count, zero_point, out_bytes;
  float scale;
} ek_quantize_params;

/* x rounded half away from zero, as C's round(), with no library call. Saturates at 2^20, beyond
 * every int16, where all floats still have their half; NaN is 0. */
EK_KERNEL int32_t ek_round_float(float x) {
  const float limit = 1048576.0f;
  int32_t whole;
  float rest;
  if (x >= limit) return (int32_t)limit;
  if (x <= -limit) return -(int32_t)limit;
  if (!(x == x)) return 0;
  whole = (int32_t)x;
  rest = x - (float)whole;
  if (rest >= 0.5f) return whole + 1;
  return rest <= -0.5f ? whole - 1 : whole;
}

/* `out` may be `in`: an element is read before its place is written. */
EK_KERNEL void ek_quantize(const ek_quantize_params *p, const float *in, void *out) {
  const int32_t high = p->out_bytes == 2 ? 32767 : 127;
  for (int32_t i = 0; i < p->count; ++i) {
    const int32_t value = ek_round_float(in[i] / p->scale) + p->zero_point;
    ek_store(out, i, p->out_bytes, ek_clamp(value, -high - 1, high));
  }
}

#endif
