/* SPDX-License-Identifier: Apache-2.0 */
/* Which taps of a kernel window lie inside the input. */
#ifndef EK_WINDOW_H
#define EK_WINDOW_H

#include "ek_kernel.h"

/* Input position of tap (0, 0), and the taps [ky0, ky1) x [kx0, kx1) that are not padding. */
typedef struct {
  int32_t top, left, ky0, ky1, kx0, kx1;
} ek_window;

EK_KERNEL int32_t ek_first_tap(int32_t origin, int32_t dilation) {
  return origin >= 0 ? 0 : (-origin + dilation - 1) / dilation;
}

EK_KERNEL int32_t ek_end_tap(int32_t origin, int32_t dilation, int32_t taps, int32_t size) {
  return ek_min(taps, (size - origin + dilation - 1) / dilation);
}

EK_KERNEL ek_window ek_window_at(int32_t top, int32_t left, int32_t k_h, int32_t k_w,
                                 int32_t dilation_h, int32_t dilation_w, int32_t in_h,
                                 int32_t in_w) {
  ek_window win;
  win.top = top;
  win.left = left;
  win.ky0 = ek_first_tap(top, dilation_h);
  win.ky1 = ek_end_tap(top, dilation_h, k_h, in_h);
  win.kx0 = ek_first_tap(left, dilation_w);
  win.kx1 = ek_end_tap(left, dilation_w, k_w, in_w);
  return win;
}

#endif
