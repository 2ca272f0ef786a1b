/* SPDX-License-Identifier: Apache-2.0 */
/* All output channels of up to four pixels, from packed weights. */
#ifndef EK_DENSE_PIXELS_H
#define EK_DENSE_PIXELS_H

#include "ek_clamp.h"
#include "ek_dense_block.h"
#include "ek_expand_block.h"

/* One output channel: the first of a pair whose other one has no weights. */
EK_KERNEL const int32_t *ek_single_block(const int32_t *x, const int32_t *stream, int8_t *out,
                                         const ek_dense_shape *s, ek_dense_block_fn block) {
  int8_t both[8];
  ek_dense_shape apart = *s;
  apart.step = 2;
  apart.skip = 4;
  const int32_t *end = block(x, stream, both, &apart);
  out[0] = both[0];
  out[s->step] = both[2];
  out[s->skip] = both[4];
  out[s->skip + s->step] = both[6];
  return end;
}
EK_NOINLINE const int32_t *ek_single_block_up(const int32_t *x, const int32_t *stream, int8_t *out,
                                              const ek_dense_shape *s) {
  return ek_single_block(x, stream, out, s, ek_dense_block_for(0));
}
EK_NOINLINE const int32_t *ek_single_block_away(const int32_t *x, const int32_t *stream,
                                                int8_t *out, const ek_dense_shape *s) {
  return ek_single_block(x, stream, out, s, ek_dense_block_for(1));
}

/* What the packed kernels know of their layer; a part of their params. */
typedef struct {
  int32_t inputs; /* pairs of inputs of an output, those that fill run ends included */
  int32_t out_c;  /* at least 2 */
  int32_t zero_point;
  int32_t away;      /* see ek_narrowing */
  int32_t low, high; /* of the activation; -128 and 127 where narrowing clamps enough */
} ek_dense_layer;

/* Constants at each call. */
EK_KERNEL ek_dense_block_fn ek_packed_block_for(const ek_dense_layer *p) {
  if (p->out_c > 1) return ek_dense_block_for(p->away);
  return p->away ? ek_single_block_away : ek_single_block_up;
}

typedef struct {
  ek_dense_block_fn block;
  ek_expand_fn expand; /* makes what the block reads */
  const int32_t *stream;
  ek_dense_shape shape;
  int32_t out_c;
} ek_dense_run;

EK_KERNEL ek_dense_run ek_dense_run_of(const ek_dense_layer *p, const int32_t *stream,
                                       ek_dense_block_fn block, ek_expand_fn expand) {
  const ek_dense_run run = {
      block,
      expand,
      stream,
      {p->inputs, ek_max(p->out_c / 2, 1), p->out_c, 2 * p->out_c, {p->zero_point, p->away}},
      p->out_c};
  return run;
}

/* Pixel of each of the four places where only `count` are left: of 3 the middle one is done
 * twice, of 2 both, of 1 all four. */
EK_KERNEL int32_t ek_pixel_of(int32_t place, int32_t count) {
  return (place & 1) * ek_min(count - 1, 1) + (place >> 1) * ek_max(count - 2, 0);
}

/* Four pixels, or as many as the shape's step and skip say. With an odd number of channels the last
 * pair repeats the channel before the last. */
EK_KERNEL void ek_dense_four(ek_dense_run *run, const int32_t *x, int8_t *out) {
  const int32_t *rest = run->block(x, run->stream, out, &run->shape);
  if ((run->out_c & 1) && run->out_c > 1) {
    ek_dense_shape last = run->shape;
    last.channels = 1;
    (void)run->block(x, rest, out + run->out_c - 2, &last);
  }
}

/* The shape for `count` pixels, 1 to 4. */
EK_KERNEL void ek_dense_count(ek_dense_run *run, int32_t count) {
  run->shape.step = count > 1 ? run->out_c : 0;
  run->shape.skip = ek_max(count - 2, 0) * run->out_c;
}

EK_KERNEL void ek_dense_pixels(ek_dense_run *run, const int32_t *x, int8_t *out, int32_t count) {
  ek_dense_count(run, count);
  ek_dense_four(run, x, out);
}

#endif
