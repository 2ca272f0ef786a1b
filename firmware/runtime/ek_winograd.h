/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 CONV_2D of stride 1 by Winograd F(4x4, 3x3) with transformed filters in flash. */
#ifndef EK_WINOGRAD_H
#define EK_WINOGRAD_H

#include "ek_winograd_passes.h"

EK_NOINLINE const int32_t *ek_winograd_filter(const ek_winograd_params *p, const int32_t *filters,
                                              int32_t *space, int32_t pair, int32_t part) {
  (void)space;
  (void)part;
  return filters + pair * EK_TILE * p->in_c;
}

EK_KERNEL void ek_winograd(const ek_winograd_params *p, const int8_t *in, int8_t *out,
                           const int32_t *filters, const int32_t *records, void *scratch) {
  ek_winograd_run(p, in, out, filters, records, scratch, ek_winograd_filter,
                  ek_tile_out_for(p->away));
  ek_clamp_all(out, p->batches * p->out_h * p->out_w * p->out_c, p->low, p->high);
}

#endif
