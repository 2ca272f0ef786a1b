/* SPDX-License-Identifier: Apache-2.0 */
/* CONV_2D over weights of 16 bits; otherwise as ek_conv_packed.h. */
#ifndef EK_CONV_WIDE_H
#define EK_CONV_WIDE_H

#include "ek_conv_packed.h"
#include "ek_wide_block.h"

typedef ek_conv_packed_params ek_conv_wide_params;

EK_KERNEL void ek_conv_wide(const ek_conv_wide_params *p, const int8_t *in, int8_t *out,
                            const int32_t *stream, void *scratch) {
  ek_conv_packed_run(p, in, out, stream, scratch, ek_wide_block_for(p->layer.away),
                     ek_expand_block_fn());
  ek_clamp_all(out, p->batches * p->out_h * p->out_w * p->layer.out_c, p->layer.low, p->layer.high);
}

#endif
