/* SPDX-License-Identifier: Apache-2.0 */
/* QUANTIZE between signed integers of different widths, or of more than 8 bits. */
#ifndef EK_REQUANTIZE_H
#define EK_REQUANTIZE_H

#include "ek_element.h"

typedef struct {
  int32_t count, in_bytes, out_bytes;
} ek_requantize_params;

typedef struct {
  int32_t in_offset, multiplier, shift, out_offset, low, high;
} ek_requantize_quant;

/* Sums wrap, as they do in TFLM on a device, where int32 tensors have values at the edge. `out`
 * may be `in` where its elements are not wider. */
EK_KERNEL void ek_requantize(const ek_requantize_params *p, const void *in, void *out,
                             const ek_requantize_quant *q) {
  for (int32_t i = 0; i < p->count; ++i) {
    const uint32_t value = (uint32_t)ek_load(in, i, p->in_bytes, 1) + (uint32_t)q->in_offset;
    const int32_t scaled = ek_scale((int32_t)value, q->multiplier, q->shift);
    const int32_t moved = (int32_t)((uint32_t)scaled + (uint32_t)q->out_offset);
    ek_store(out, i, p->out_bytes, ek_clamp(moved, q->low, q->high));
  }
}

#endif
