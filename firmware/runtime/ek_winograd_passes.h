/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 CONV_2D of stride 1 by Winograd F(4x4, 3x3), wherever the transformed filters come from.
 *
 * For each band of tile rows its padded input rows are copied (plus 128, as bytes). In passes of
 * some fours of tiles these are transformed, and each pair of output channels runs over them. The
 * two rows that bands share stay in the scratch, so that `out` may be `in` where shapes are equal.
 */
#ifndef EK_WINOGRAD_PASSES_H
#define EK_WINOGRAD_PASSES_H

#include "ek_clamp.h"
#include "ek_winograd_block.h"
#include "ek_words.h"

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c; /* in_c a multiple of 4, out_c of 2 */
  int32_t pad_top, pad_left, batches;
  int32_t band;           /* rows of tiles whose input rows are copied at once */
  int32_t across, blocks; /* tiles of a row; fours of tiles in a pass */
  int32_t parts;          /* of a channel pair's filters that are there at once: 1 all, 2 halves */
  int32_t in_zero_point, zero_point, away, low, high;
} ek_winograd_params;

/* The scratch, in this order. */
typedef struct {
  int32_t *m;
  uint32_t *work;
  int8_t *edge; /* a tile of outputs of which some do not exist */
  int32_t *v;
  uint8_t *rows;
  int32_t *filter; /* where filters are transformed at run time */
} ek_winograd_space;

EK_KERNEL int32_t ek_winograd_row_bytes(const ek_winograd_params *p) {
  return (4 * p->across + 2) * p->in_c;
}

EK_KERNEL ek_winograd_space ek_winograd_space_at(const ek_winograd_params *p, void *scratch) {
  ek_winograd_space s;
  s.m = (int32_t *)scratch;
  s.work = (uint32_t *)(s.m + 8 * EK_TILE);
  s.edge = (int8_t *)(s.work + 4 * EK_TILE_ROW);
  s.v = s.m + 8 * EK_TILE + 4 * EK_TILE_ROW + 4;
  s.rows = (uint8_t *)(s.v + p->blocks * EK_TILE * p->in_c * 2);
  s.filter =
      s.v + p->blocks * EK_TILE * p->in_c * 2 + (4 * p->band + 2) * (ek_winograd_row_bytes(p) / 4);
  for (uint32_t y = 0; y < 4; ++y) {
    s.work[EK_TILE_ROW * y + 6] = EK_INVERSE_OF_9 << (y < 2 ? y : 2u);
  }
  return s;
}

/* Every byte plus 128. */
EK_NOINLINE void ek_offset_words(int32_t *to, const int32_t *from, int32_t count) {
  const int32_t offset = (int32_t)0x80808080u;
  for (; count >= 4; count -= 4, to += 4, from += 4) {
    const int32_t a = from[0], b = from[1], c = from[2], d = from[3];
    to[0] = a ^ offset;
    to[1] = b ^ offset;
    to[2] = c ^ offset;
    to[3] = d ^ offset;
  }
  for (int32_t i = 0; i < count; ++i) to[i] = from[i] ^ offset;
}

/* Rows `from` .. of the padded input, `count` of them, to `to`: every byte plus 128. */
EK_NOINLINE void ek_winograd_rows(const ek_winograd_params *p, const int8_t *in, uint8_t *to,
                                  int32_t from, int32_t count) {
  const int32_t pixel = p->in_c / 4;
  const int32_t inside = ek_min(p->in_w, 4 * p->across + 2 - p->pad_left) * pixel;
  const int32_t before = p->pad_left * pixel;
  const int32_t all = (4 * p->across + 2) * pixel;
  const int32_t zero = (int32_t)(((uint32_t)p->in_zero_point & 0xFFu) * 0x01010101u ^ 0x80808080u);
  int32_t *at = (int32_t *)(void *)to;
  for (int32_t y = from - p->pad_top; y < from - p->pad_top + count; ++y, at += all) {
    if (y < 0 || y >= p->in_h) {
      ek_words_fill(at, all, zero);
      continue;
    }
    ek_words_fill(at, before, zero);
    ek_offset_words(at + before, (const int32_t *)(const void *)(in + y * p->in_w * p->in_c),
                    inside);
    ek_words_fill(at + before + inside, all - before - inside, zero);
  }
}

/* Tiles `first` .. of a band to v: [four of tiles][position][pair of inputs][4 tiles]. */
EK_NOINLINE void ek_winograd_tiles(const ek_winograd_params *p, const ek_winograd_space *s,
                                   int32_t first, int32_t count) {
  const ek_tile_shape shape = {ek_winograd_row_bytes(p), p->in_c, p->in_c / 2 * 16};
  for (int32_t i = 0; i < count; ++i) {
    const int32_t t = first + i;
    const uint8_t *from =
        s->rows + t / p->across * 4 * shape.row_bytes + t % p->across * 4 * p->in_c;
    int32_t *to = s->v + i / 4 * EK_TILE * p->in_c * 2 + i % 4;
    for (int32_t c = 0; c < p->in_c; c += 4, to += 8) ek_tile_in(to, from + c, &shape);
  }
}

/* Where the transformed filters of a pair of output channels are: part `part` of them. */
typedef const int32_t *(*ek_winograd_filter_fn)(const ek_winograd_params *, const int32_t *filters,
                                                int32_t *space, int32_t pair, int32_t part);

/* What a pass works on. */
typedef struct {
  const ek_winograd_params *p;
  const int32_t *filters, *records;
  ek_winograd_filter_fn filter;
  ek_tile_out_fn finish;
  ek_winograd_space space;
  int32_t top, first, count; /* the band's first tile row; tiles of the pass in the band */
} ek_winograd_pass;

/* One channel of a tile at row y, column x of the output. */
EK_KERNEL void ek_winograd_tile_out(const ek_winograd_pass *w, int32_t *m, int8_t *out, int32_t y,
                                    int32_t x, const int32_t *record) {
  const ek_winograd_params *p = w->p;
  ek_tile_out_shape shape = {
      w->space.work, p->out_c, p->out_w * p->out_c, {p->zero_point, p->away}};
  int8_t *to = out + (y * p->out_w + x) * p->out_c;
  const int32_t height = ek_min(p->out_h - y, 4), width = ek_min(p->out_w - x, 4);
  if (height == 4 && width == 4) {
    w->finish(m, to, record, &shape);
    return;
  }
  shape.step = 1;
  shape.pitch = 4;
  w->finish(m, w->space.edge, record, &shape);
  for (int32_t i = 0; i < height; ++i) {
    for (int32_t j = 0; j < width; ++j)
      to[(i * p->out_w + j) * p->out_c] = w->space.edge[4 * i + j];
  }
}

/* One pair of output channels over the tiles of a pass. */
EK_NOINLINE void ek_winograd_pair(const ek_winograd_pass *w, int32_t pair, int8_t *out) {
  const ek_winograd_params *p = w->p;
  const int32_t positions = EK_TILE / p->parts;
  const int32_t *record = w->records + 2 * pair * EK_TILE_RECORD;
  const int32_t *u = 0;
  for (int32_t i = 0; i < w->count; ++i) {
    const int32_t t = w->first + i;
    const int32_t y = 4 * (w->top + t / p->across), x = t % p->across * 4;
    for (int32_t part = 0; i % 4 == 0 && part < p->parts; ++part) {
      const int32_t *v = w->space.v + (i / 4 * EK_TILE + part * positions) * p->in_c * 2;
      if (i == 0 || p->parts > 1) u = w->filter(p, w->filters, w->space.filter, pair, part);
      ek_tile_products(v, u, w->space.m + 8 * part * positions, p->in_c / 2, positions);
    }
    for (int32_t c = 0; c < 2; ++c) {
      ek_winograd_tile_out(w, w->space.m + 2 * (i % 4) + c, out + c, y, x,
                           record + c * EK_TILE_RECORD);
    }
  }
}

EK_NOINLINE void ek_winograd_image(ek_winograd_pass *w, const int8_t *in, int8_t *out) {
  const ek_winograd_params *p = w->p;
  const int32_t row_bytes = ek_winograd_row_bytes(p);
  const int32_t rows = (p->out_h + 3) / 4;
  uint8_t *to = w->space.rows;
  int32_t have = 0; /* input rows that the last band has left */
  for (w->top = 0; w->top < rows; w->top += p->band) {
    const int32_t band = ek_min(p->band, rows - w->top);
    ek_winograd_rows(p, in, to + have * row_bytes, 4 * w->top + have, 4 * band + 2 - have);
    for (w->first = 0; w->first < band * p->across; w->first += 4 * p->blocks) {
      w->count = ek_min(4 * p->blocks, band * p->across - w->first);
      ek_winograd_tiles(p, &w->space, w->first, w->count);
      for (int32_t c = 0; c < p->out_c; c += 2) ek_winograd_pair(w, c / 2, out + c);
    }
    have = 2;
    ek_words_move((int32_t *)(void *)to, (const int32_t *)(const void *)(to + 4 * band * row_bytes),
                  have * row_bytes / 16);
  }
}

EK_NOINLINE void ek_winograd_run(const ek_winograd_params *p, const int8_t *in, int8_t *out,
                                 const int32_t *filters, const int32_t *records, void *scratch,
                                 ek_winograd_filter_fn filter, ek_tile_out_fn finish) {
  ek_winograd_pass w = {p, filters, records, filter, finish, ek_winograd_space_at(p, scratch),
                        0, 0,       0};
  for (int32_t b = 0; b < p->batches; ++b) {
    ek_winograd_image(&w, in, out);
    in += p->in_h * p->in_w * p->in_c;
    out += p->out_h * p->out_w * p->out_c;
  }
}

#endif
