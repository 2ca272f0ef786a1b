/* SPDX-License-Identifier: Apache-2.0 */
/* ek_rows_trio.h for rows of many inputs. */
#ifndef EK_ROWS_TRIO_PARTS_H
#define EK_ROWS_TRIO_PARTS_H

#include "ek_trio_parts.h"

typedef struct {
  int32_t rows, in_c, out_c, parts; /* in_c is a multiple of parts */
} ek_rows_trio_parts_params;

/* One part of six rows, `at` their first bytes. */
EK_NOINLINE void ek_rows_trio_part(const int8_t *const *at, int32_t from, int32_t inputs,
                                   uint32_t *x) {
  uint32_t sums[4] = {0, 0, 0, 0};
  ek_trio_expand(x + 4, at[0] + from, at[1] + from, at[2] + from, inputs, sums);
  ek_trio_expand(x + 6, at[3] + from, at[4] + from, at[5] + from, inputs, sums + 2);
  ek_trio_offsets(x, sums);
}

EK_KERNEL void ek_rows_trio_parts(const ek_rows_trio_parts_params *p, const int8_t *in, int8_t *out,
                                  const uint8_t *weights, const ek_stepped *records,
                                  void *scratch) {
  const int32_t inputs = p->in_c / p->parts;
  uint32_t *x = (uint32_t *)scratch;
  int32_t *sums = (int32_t *)(x + 4 * (p->in_c + p->parts));
  for (int32_t left = p->rows; left > 0; left -= 6) {
    const int32_t count = ek_min(left, 6);
    const ek_trio_shape shape = ek_trio_shape_of(inputs, p->out_c, count);
    const int8_t *at[6];
    for (int32_t i = 0; i < 6; ++i) at[i] = in + ek_min(i, count - 1) * p->in_c;
    for (int32_t part = 0; part < p->parts; ++part) {
      ek_rows_trio_part(at, part * inputs, inputs, x + 4 * part * (inputs + 1));
    }
    ek_trio_parts(x, weights, records, out, &shape, p->parts, sums);
    in += 6 * p->in_c;
    out += 6 * p->out_c;
  }
}

#endif
