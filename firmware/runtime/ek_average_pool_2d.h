/* SPDX-License-Identifier: Apache-2.0 */
/* AVERAGE_POOL_2D: int8 NHWC; padding is not counted in the mean. */
#ifndef EK_AVERAGE_POOL_2D_H
#define EK_AVERAGE_POOL_2D_H

#include "ek_pool.h"

/* Rounded half away from zero, as TFLM's AveragePool for int8. */
EK_KERNEL int32_t ek_rounded_mean(int32_t sum, int32_t count) {
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

EK_KERNEL int32_t ek_average_window(const ek_pool_params *p, const int8_t *in, const ek_window *win,
                                    int32_t c) {
  int32_t sum = 0;
  for (int32_t y = win->ky0; y < win->ky1; ++y) {
    for (int32_t x = win->kx0; x < win->kx1; ++x) {
      sum += in[((win->top + y) * p->in_w + win->left + x) * p->channels + c];
    }
  }
  return ek_rounded_mean(sum, (win->ky1 - win->ky0) * (win->kx1 - win->kx0));
}

typedef ek_pool_params ek_average_pool_2d_params;

EK_KERNEL void ek_average_pool_2d(const ek_pool_params *p, const int8_t *in, int8_t *out) {
  ek_pool(p, in, out, ek_average_window);
}

#endif
