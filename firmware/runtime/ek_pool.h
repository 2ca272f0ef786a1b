/* SPDX-License-Identifier: Apache-2.0 */
/* The loops that pooling kernels share. */
#ifndef EK_POOL_H
#define EK_POOL_H

#include "ek_window.h"

typedef struct {
  int32_t in_h, in_w, out_h, out_w, channels, k_h, k_w;
  int32_t stride_h, stride_w, pad_top, pad_left, batches, low, high;
} ek_pool_params;

/* Inlined everywhere with a constant `reduce`, so it costs no call. */
EK_KERNEL void ek_pool(const ek_pool_params *p, const int8_t *in, int8_t *out,
                       int32_t (*reduce)(const ek_pool_params *, const int8_t *, const ek_window *,
                                         int32_t)) {
  for (int32_t pixel = 0; pixel < p->batches * p->out_h * p->out_w; ++pixel) {
    const int32_t batch = pixel / (p->out_h * p->out_w);
    const int32_t y = pixel / p->out_w % p->out_h;
    const int32_t x = pixel % p->out_w;
    const ek_window win = ek_window_at(y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left,
                                       p->k_h, p->k_w, 1, 1, p->in_h, p->in_w);
    for (int32_t c = 0; c < p->channels; ++c) {
      const int32_t value = reduce(p, in + batch * p->in_h * p->in_w * p->channels, &win, c);
      *out++ = (int8_t)ek_clamp(value, p->low, p->high);
    }
  }
}

#endif
