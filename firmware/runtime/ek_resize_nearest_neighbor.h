/* SPDX-License-Identifier: Apache-2.0 */
/* RESIZE_NEAREST_NEIGHBOR: NHWC of any type; a pixel is `bytes`. */
#ifndef EK_RESIZE_NEAREST_NEIGHBOR_H
#define EK_RESIZE_NEAREST_NEIGHBOR_H

#include "ek_kernel.h"

typedef struct {
  int32_t batches, in_h, in_w, out_h, out_w, bytes;
} ek_resize_nearest_neighbor_params;

/* `rows`, `columns`: the input's row or column for each of the output's. The generator computes
 * them because TFLM does so in floating point. */
EK_KERNEL void ek_resize_nearest_neighbor(const ek_resize_nearest_neighbor_params *p,
                                          const void *in, void *out, const int16_t *rows,
                                          const int16_t *columns) {
  uint8_t *to = (uint8_t *)out;
  for (int32_t i = 0; i < p->batches * p->out_h; ++i) {
    const int32_t row = i / p->out_h * p->in_h + rows[i % p->out_h];
    const uint8_t *from = (const uint8_t *)in + row * p->in_w * p->bytes;
    for (int32_t x = 0; x < p->out_w; ++x, to += p->bytes) {
      memcpy(to, from + columns[x] * p->bytes, (size_t)p->bytes);
    }
  }
}

#endif
