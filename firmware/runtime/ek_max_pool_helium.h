/* SPDX-License-Identifier: Apache-2.0 */
/* MAX_POOL_2D with Helium, 16 channels at a time. */
#ifndef EK_MAX_POOL_HELIUM_H
#define EK_MAX_POOL_HELIUM_H

#include "ek_clamp.h"
#include "ek_helium_pool.h"
#include "ek_pool.h"

typedef ek_pool_params ek_max_pool_helium_params;

/* The window of an output pixel of one image, and where it begins. */
EK_KERNEL const int8_t *ek_helium_window_of(const ek_pool_params *p, const int8_t *in, int32_t y,
                                            int32_t x, ek_helium_window *to) {
  const ek_window win = ek_window_at(y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left,
                                     p->k_h, p->k_w, 1, 1, p->in_h, p->in_w);
  to->height = win.ky1 - win.ky0;
  to->width = win.kx1 - win.kx0;
  to->step = p->channels;
  to->pitch = p->in_w * p->channels;
  to->channels = p->channels;
  return in + ((win.top + win.ky0) * p->in_w + win.left + win.kx0) * p->channels;
}

EK_NOINLINE void ek_max_pool_helium_run(const ek_pool_params *p, const int8_t *in, int8_t *out) {
  ek_helium_window window;
  for (int32_t b = 0; b < p->batches; ++b, in += p->in_h * p->in_w * p->channels) {
    for (int32_t y = 0; y < p->out_h; ++y) {
      for (int32_t x = 0; x < p->out_w; ++x, out += p->channels) {
        const int8_t *from = ek_helium_window_of(p, in, y, x, &window);
        ek_helium_largest(from, out, &window);
      }
    }
  }
}

EK_KERNEL void ek_max_pool_helium(const ek_pool_params *p, const int8_t *in, int8_t *out) {
  ek_max_pool_helium_run(p, in, out);
  ek_clamp_all(out, p->batches * p->out_h * p->out_w * p->channels, p->low, p->high);
}

#endif
