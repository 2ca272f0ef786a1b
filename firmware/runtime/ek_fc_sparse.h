/* SPDX-License-Identifier: Apache-2.0 */
/* FULLY_CONNECTED over the words of packed weights that are not zero, row by row.
 *
 * The scratch holds a row as words of two neighbours, then eight bytes for channels that fill up
 * the last group. `out` may be `in` where there is one row.
 */
#ifndef EK_FC_SPARSE_H
#define EK_FC_SPARSE_H

#include "ek_clamp.h"
#include "ek_fc_sparse_block.h"

typedef struct {
  int32_t rows, depth, out_c;
  int32_t abreast;                     /* output channels of a group: 8 or 4 */
  int32_t zero_point, away, low, high; /* see ek_dense_layer */
} ek_fc_sparse_params;

/* Bytes to lanes in their order; an odd last one is alone in its word. */
EK_NOINLINE void ek_expand_neighbours(int32_t *x, const int8_t *in, int32_t depth) {
  for (; depth >= 4; depth -= 4, in += 4) {
    uint32_t word;
    memcpy(&word, in, 4);
    const uint32_t even = (uint32_t)ek_low_bytes((int32_t)word);
    const uint32_t odd = (uint32_t)ek_low_bytes((int32_t)((word >> 8) | (word << 24)));
    *x++ = (int32_t)((even & 0xFFFFu) | (odd << 16));
    *x++ = (int32_t)((even >> 16) | (odd & 0xFFFF0000u));
  }
  if (depth & 2) {
    *x++ = ek_pair(in[0], in[1]);
    in += 2;
  }
  if (depth & 1) *x = *in;
}

EK_NOINLINE void ek_fc_sparse_run(const ek_fc_sparse_params *p, const int8_t *in, int8_t *out,
                                  const int32_t *stream, void *scratch, ek_fc_block_fn block) {
  int32_t *x = (int32_t *)scratch;
  int8_t *last = (int8_t *)(x + (p->depth + 1) / 2);
  const int32_t groups = p->out_c / p->abreast, whole = groups * p->abreast;
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->out_c) {
    ek_fc_shape shape = {0, groups, {p->zero_point, p->away}, 0, 0};
    const int32_t *rest = stream;
    ek_expand_neighbours(x, in, p->depth);
    if (groups > 0) rest = block(x, stream, out, &shape);
    if (whole == p->out_c) continue;
    shape.groups = 1;
    (void)block(x, rest, last, &shape);
    memcpy(out + whole, last, (size_t)(p->out_c - whole));
  }
}

EK_KERNEL void ek_fc_sparse(const ek_fc_sparse_params *p, const int8_t *in, int8_t *out,
                            const int32_t *stream, void *scratch) {
  ek_fc_sparse_run(p, in, out, stream, scratch, ek_fc_sparse_block_for(p->abreast, p->away));
  ek_clamp_all(out, p->rows * p->out_c, p->low, p->high);
}

#endif
