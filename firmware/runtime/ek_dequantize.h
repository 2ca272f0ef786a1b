/* SPDX-License-Identifier: Apache-2.0 */
/* DEQUANTIZE: int8, uint8 or int16 to float32. */
#ifndef EK_DEQUANTIZE_H
#define EK_DEQUANTIZE_H

#include "ek_element.h"

typedef struct {
  int32_t count, zero_point, in_bytes, in_signed;
  float scale;
} ek_dequantize_params;

/* TFLM multiplies in double and rounds the product to float. The product of a float and a 17-bit
 * integer is exact in double, so one float multiplication gives the same value. */
EK_KERNEL void ek_dequantize(const ek_dequantize_params *p, const void *in, float *out) {
  for (int32_t i = 0; i < p->count; ++i) {
    out[i] = p->scale * (float)(ek_load(in, i, p->in_bytes, p->in_signed) - p->zero_point);
  }
}

#endif
