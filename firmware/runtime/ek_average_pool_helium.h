/* SPDX-License-Identifier: Apache-2.0 */
/* AVERAGE_POOL_2D of windows of up to 255 pixels with Helium, eight channels at a time. */
#ifndef EK_AVERAGE_POOL_HELIUM_H
#define EK_AVERAGE_POOL_HELIUM_H

#include "ek_max_pool_helium.h"

typedef ek_pool_params ek_average_pool_helium_params;

/* The scratch holds the sums of a window. */
EK_NOINLINE void ek_average_pool_helium_run(const ek_pool_params *p, const int8_t *in, int8_t *out,
                                            int16_t *sums) {
  ek_helium_window window;
  ek_helium_divisor by = {0, 0, 0, 0};
  int32_t last = 0;
  for (int32_t b = 0; b < p->batches; ++b, in += p->in_h * p->in_w * p->channels) {
    for (int32_t pixel = 0; pixel < p->out_h * p->out_w; ++pixel, out += p->channels) {
      const int8_t *from = ek_helium_window_of(p, in, pixel / p->out_w, pixel % p->out_w, &window);
      const int32_t count = window.height * window.width;
      ek_helium_sums(from, sums, &window);
      if (count != last) by = ek_helium_divide_by(count, p->channels);
      last = count;
      ek_helium_means(sums, out, &by);
    }
  }
}

EK_KERNEL void ek_average_pool_helium(const ek_pool_params *p, const int8_t *in, int8_t *out,
                                      void *scratch) {
  ek_average_pool_helium_run(p, in, out, (int16_t *)scratch);
  ek_clamp_all(out, p->batches * p->out_h * p->out_w * p->channels, p->low, p->high);
}

#endif
