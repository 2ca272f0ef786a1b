/* SPDX-License-Identifier: Apache-2.0 */
/* MAX_POOL_2D: int8 NHWC; padding never wins. */
#ifndef EK_MAX_POOL_2D_H
#define EK_MAX_POOL_2D_H

#include "ek_pool.h"

EK_KERNEL int32_t ek_max_window(const ek_pool_params *p, const int8_t *in, const ek_window *win,
                                int32_t c) {
  int32_t top = INT8_MIN;
  for (int32_t y = win->ky0; y < win->ky1; ++y) {
    for (int32_t x = win->kx0; x < win->kx1; ++x) {
      top = ek_max(top, in[((win->top + y) * p->in_w + win->left + x) * p->channels + c]);
    }
  }
  return top;
}

typedef ek_pool_params ek_max_pool_2d_params;

EK_KERNEL void ek_max_pool_2d(const ek_pool_params *p, const int8_t *in, int8_t *out) {
  ek_pool(p, in, out, ek_max_window);
}

#endif
