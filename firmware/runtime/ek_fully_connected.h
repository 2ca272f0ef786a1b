/* SPDX-License-Identifier: Apache-2.0 */
/* FULLY_CONNECTED: int8, weights per channel or per tensor. */
#ifndef EK_FULLY_CONNECTED_H
#define EK_FULLY_CONNECTED_H

#include "ek_dot.h"

typedef struct {
  int32_t rows, depth, out_c, blocked; /* channels below `blocked` are stored four abreast */
} ek_fully_connected_params;

EK_KERNEL void ek_fully_connected(const ek_fully_connected_params *p, const int8_t *in, int8_t *out,
                                  const int8_t *weights, const ek_channel *channels,
                                  const ek_quant *quant) {
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->out_c) {
    for (int32_t c = 0; c < p->blocked; c += 4) {
      int32_t acc[4] = {0, 0, 0, 0};
      ek_dot_4(acc, in, weights + c * p->depth, p->depth, quant->in_offset);
      for (int32_t i = 0; i < 4; ++i) out[c + i] = ek_finish(acc[i], channels + c + i, quant);
    }
    for (int32_t c = p->blocked; c < p->out_c; ++c) {
      int32_t acc[1] = {0};
      ek_dot_1(acc, in, weights + c * p->depth, p->depth, quant->in_offset);
      out[c] = ek_finish(acc[0], channels + c, quant);
    }
  }
}

#endif
