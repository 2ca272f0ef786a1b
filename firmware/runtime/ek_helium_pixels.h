/* SPDX-License-Identifier: Apache-2.0 */
/* All output channels of some pixels, from inputs and weights as ek_helium_block.h reads them. */
#ifndef EK_HELIUM_PIXELS_H
#define EK_HELIUM_PIXELS_H

#include "ek_clamp.h"
#include "ek_helium_steps.h"
#include "ek_helium_copy.h"

#define EK_HELIUM_PIXELS 32 /* most at a time */

/* What the kernels know of their layer; a part of their params. */
typedef struct {
  int32_t steps, out_c;
  int32_t zero_point, away;
  int32_t low, high; /* of the activation; -128 and 127 where narrowing clamps enough */
} ek_helium_layer;

EK_KERNEL void ek_helium_pixels(const ek_helium_layer *p, const int8_t *x, const int32_t *stream,
                                int8_t *out, int32_t count, ek_helium_block_fn block) {
  const int32_t pairs = (count + 1) / 2;
  ek_helium_shape s = {p->steps, p->out_c / 4, pairs, count - pairs, p->out_c, p->zero_point};
  if (s.fours > 0) stream = block(x, stream, out, &s);
  if (p->out_c % 4 == 0) return;
  s.fours = 1;
  if (p->out_c > 4) { /* the last four repeat channels */
    (void)block(x, stream, out + p->out_c - 4, &s);
    return;
  }
  int8_t fours[4 * EK_HELIUM_PIXELS];
  s.out_c = 4;
  (void)block(x, stream, fours, &s);
  const ek_copy_shape copy = {p->out_c, count, 4, p->out_c};
  ek_helium_copy(out, fours, &copy);
}

#endif
