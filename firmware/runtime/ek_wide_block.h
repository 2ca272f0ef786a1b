/* SPDX-License-Identifier: Apache-2.0 */
/* As ek_dense_block.h, over weights of 16 bits: twice the bytes, fewer instructions.
 *
 * `stream`, per pair of output channels a, b: bias_a, bias_b, per pair of inputs a word of two
 * weights of a and one of b, then high_a, scale_a, high_b, scale_b (ek_narrow).
 */
#ifndef EK_WIDE_BLOCK_H
#define EK_WIDE_BLOCK_H

#include "ek_dense_block.h"

/* The twin; returns the end of the stream that it read. */
EK_NOINLINE const int32_t *ek_wide_block_c(const int32_t *x, const int32_t *stream, int8_t *out,
                                           const ek_dense_shape *s) {
  for (int32_t c = 0; c < s->channels; ++c, out += 2) {
    const int32_t *post = stream + 2 + 2 * s->inputs;
    for (int32_t px = 0; px < 4; ++px) {
      int8_t *to = out + (px & 1) * s->step + (px >> 1) * s->skip;
      for (int32_t i = 0; i < 2; ++i) {
        int32_t acc = stream[i];
        for (int32_t k = 0; k < s->inputs; ++k) {
          acc = ek_smlad(stream[2 + 2 * k + i], x[4 * k + px], acc);
        }
        to[i] = ek_narrow(acc, post[2 * i], post[2 * i + 1], &s->narrowing);
      }
    }
    stream = post + 4;
  }
  return stream;
}

#ifdef EK_DSP
/* The plan of ek_dense_block.h with weights of a in r12 and of b in lr. A step is 11 instructions
 * for 16 products, 44 bytes. */
#define EK_WIDE(AWAY)                                                                  \
  AWAY, "lsl r9, r4, #1\n", "ldmia r1!, {r10, r11, r12, lr}\nldrd r2, r3, [r0], #8\n", \
      "ldrd r12, lr, [r1], #8\nldrd r2, r3, [r0], #8\n" EK_DENSE_NEXT, "44", ""
EK_DENSE_FUNCTION(ek_wide_block_up, EK_WIDE(EK_UP))
EK_DENSE_FUNCTION(ek_wide_block_away, EK_WIDE(EK_AWAY))
#endif

/* `away` is a constant at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_dense_block_fn ek_wide_block_for(int32_t away) {
#ifdef EK_DSP
  return away ? ek_wide_block_away : ek_wide_block_up;
#else
  (void)away;
  return ek_wide_block_c;
#endif
}

#endif
