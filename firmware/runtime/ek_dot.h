/* SPDX-License-Identifier: Apache-2.0 */
/* Dot products of int8 inputs and weights, and what follows them: bias, scaling, clamping. */
#ifndef EK_DOT_H
#define EK_DOT_H

#include "ek_kernel.h"

/* Per output channel. */
typedef struct {
  int32_t bias, multiplier, shift;
} ek_channel;

/* Per layer: what is added to inputs and outputs, and the range of the fused activation. */
typedef struct {
  int32_t in_offset, out_offset, low, high;
} ek_quant;

/* acc[0..3] += four channels' dot products; weights hold the four abreast. Four at a time because
 * then one load and one addition of the input serve four multiplications. */
EK_KERNEL void ek_dot_4(int32_t acc[4], const int8_t *in, const int8_t *weights, int32_t count,
                        int32_t in_offset) {
  int32_t a0 = acc[0], a1 = acc[1], a2 = acc[2], a3 = acc[3];
  for (int32_t i = 0; i < count; ++i, weights += 4) {
    const int32_t x = in[i] + in_offset;
    a0 += x * weights[0];
    a1 += x * weights[1];
    a2 += x * weights[2];
    a3 += x * weights[3];
  }
  acc[0] = a0;
  acc[1] = a1;
  acc[2] = a2;
  acc[3] = a3;
}

EK_KERNEL void ek_dot_1(int32_t acc[1], const int8_t *in, const int8_t *weights, int32_t count,
                        int32_t in_offset) {
  int32_t a = acc[0];
  for (int32_t i = 0; i < count; ++i) a += (in[i] + in_offset) * weights[i];
  acc[0] = a;
}

EK_KERNEL int8_t ek_finish(int32_t acc, const ek_channel *channel, const ek_quant *quant) {
  /* Unsigned addition: a bias at the edge of int32 wraps as it does in TFLM on a device. */
  const int32_t sum = (int32_t)((uint32_t)acc + (uint32_t)channel->bias);
  const int32_t scaled = ek_scale(sum, channel->multiplier, channel->shift) + quant->out_offset;
  return (int8_t)ek_clamp(scaled, quant->low, quant->high);
}

#endif
