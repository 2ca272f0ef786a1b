/* SPDX-License-Identifier: Apache-2.0 */
/* FULLY_CONNECTED over packed weights, row by row: each weight is read once per row.
 *
 * The scratch holds a row as words of two lanes, then eight bytes for channels that fill up the
 * last group. `out` may be `in` where there is one row.
 */
#ifndef EK_FC_PACKED_H
#define EK_FC_PACKED_H

#include "ek_clamp.h"
#include "ek_fc_block.h"

typedef struct {
  int32_t rows, depth, out_c;
  int32_t inputs;                      /* words of a row, rounded up to even */
  int32_t zero_point, away, low, high; /* see ek_dense_layer */
  int32_t one;                         /* 1: all channels are narrowed alike, by the next two */
  int32_t narrow_high, narrow_scale;
} ek_fc_packed_params;

/* Lanes (0, 2) and (1, 3) of each four bytes; the rest as in ek_expand_block.h, then zeros. */
EK_NOINLINE void ek_expand_row(int32_t *x, const int8_t *in, int32_t depth, int32_t inputs) {
  int32_t *end = x + inputs;
  for (; depth >= 4; depth -= 4, in += 4) {
    uint32_t word;
    memcpy(&word, in, 4);
    *x++ = ek_low_bytes((int32_t)word);
    *x++ = ek_low_bytes((int32_t)((word >> 8) | (word << 24)));
  }
  if (depth & 2) {
    *x++ = ek_pair(in[0], in[1]);
    in += 2;
  }
  if (depth & 1) *x++ = *in;
  while (x < end) *x++ = 0;
}

EK_NOINLINE void ek_fc_packed_run(const ek_fc_packed_params *p, const int8_t *in, int8_t *out,
                                  const int32_t *stream, void *scratch, ek_fc_block_fn block) {
  int32_t *x = (int32_t *)scratch;
  int8_t *last = (int8_t *)(x + p->inputs);
  const int32_t whole = p->out_c / 8 * 8;
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->out_c) {
    ek_fc_shape shape = {
        p->inputs, whole / 8, {p->zero_point, p->away}, p->narrow_high, p->narrow_scale};
    const int32_t *rest = stream;
    ek_expand_row(x, in, p->depth, p->inputs);
    if (whole > 0) rest = block(x, stream, out, &shape);
    if (whole == p->out_c) continue;
    shape.groups = 1;
    (void)block(x, rest, last, &shape);
    memcpy(out + whole, last, (size_t)(p->out_c - whole));
  }
}

EK_KERNEL void ek_fc_packed(const ek_fc_packed_params *p, const int8_t *in, int8_t *out,
                            const int32_t *stream, void *scratch) {
  ek_fc_packed_run(p, in, out, stream, scratch, ek_fc_block_for(p->away, p->one));
  ek_clamp_all(out, p->rows * p->out_c, p->low, p->high);
}

#endif
