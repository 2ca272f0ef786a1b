/* SPDX-License-Identifier: Apache-2.0 */
/* SUM and MEAN over up to 256 elements with Helium, where neighbours stay: eight at a time. */
#ifndef EK_MEAN_HELIUM_H
#define EK_MEAN_HELIUM_H

#include "ek_helium_pool.h"
#include "ek_sum.h"

typedef ek_sum_params ek_mean_helium_params;

/* The scratch holds the sums of one run of neighbours. */
EK_NOINLINE void ek_mean_helium_run(const ek_reduce_shape *s, const int8_t *in, int8_t *out,
                                    const ek_sum_quant *q, int16_t *sums) {
  const ek_helium_window window = {s->r1, s->r2, s->r2_step, s->r1_step, s->k2};
  for (int32_t i = 0; i < s->k0 * s->k1; ++i, out += s->k2) {
    ek_helium_sums(in + i / s->k1 * s->k0_step + i % s->k1 * s->k1_step, sums, &window);
    for (int32_t c = 0; c < s->k2; ++c) {
      const int32_t value = ek_scale(sums[c] + q->offset, q->multiplier, q->shift) + q->out_offset;
      out[c] = (int8_t)ek_clamp(value, -128, 127);
    }
  }
}

EK_KERNEL void ek_mean_helium(const ek_mean_helium_params *p, const int8_t *in, int8_t *out,
                              const ek_sum_quant *q, void *scratch) {
  ek_mean_helium_run(&p->shape, in, out, q, (int16_t *)scratch);
}

#endif
