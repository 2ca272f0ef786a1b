/* SPDX-License-Identifier: Apache-2.0 */
/* PAD, PADV2: int8, up to five axes. The whole output is filled, then the input's rows copied. */
#ifndef EK_PAD_H
#define EK_PAD_H

#include "ek_kernel.h"

/* Sides of input and output and elements of padding before the input, axis by axis. The generator
 * merges axes without padding into the axis before them. */
typedef struct {
  int32_t in0, in1, in2, in3, in4, out0, out1, out2, out3, out4;
  int32_t before0, before1, before2, before3, before4;
  int32_t value, count;
} ek_pad_params;

EK_KERNEL void ek_pad_plane(const ek_pad_params *p, const int8_t *in, int8_t *out) {
  for (int32_t i2 = 0; i2 < p->in2; ++i2) {
    for (int32_t i3 = 0; i3 < p->in3; ++i3, in += p->in4) {
      const int32_t row = (i2 + p->before2) * p->out3 + i3 + p->before3;
      memcpy(out + row * p->out4 + p->before4, in, (size_t)p->in4);
    }
  }
}

EK_KERNEL void ek_pad(const ek_pad_params *p, const int8_t *in, int8_t *out) {
  const int32_t out_plane = p->out2 * p->out3 * p->out4;
  memset(out, p->value, (size_t)p->count);
  for (int32_t i0 = 0; i0 < p->in0; ++i0) {
    for (int32_t i1 = 0; i1 < p->in1; ++i1, in += p->in2 * p->in3 * p->in4) {
      const int32_t plane = (i0 + p->before0) * p->out1 + i1 + p->before1;
      ek_pad_plane(p, in, out + plane * out_plane);
    }
  }
}

#endif
