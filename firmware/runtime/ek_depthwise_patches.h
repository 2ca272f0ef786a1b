/* SPDX-License-Identifier: Apache-2.0 */
/* DEPTHWISE_CONV_2D of windows up to 8x8 with Helium, for blocks of channels and strips of lines.
 *
 * A line is a row or a column of the image, whichever the generator found cheaper. A strip is one
 * line of outputs, or two where patches are shared; a pass is some strips in the table at once.
 * `out` may be `in` where a pass is the whole image, or where `save` keeps what the next pass reads
 * from being lost.
 */
#ifndef EK_DEPTHWISE_PATCHES_H
#define EK_DEPTHWISE_PATCHES_H

#include "ek_clamp.h"
#include "ek_helium_copy.h"
#include "ek_helium_patches.h"

typedef struct {
  /* Along a line: inputs, padding before, bytes between neighbours. */
  int32_t n, pad, in_step;
  /* Across: lines of input and output, stride, padding, bytes from line to line. */
  int32_t lines, out_lines, line_stride, line_pad, in_pitch, out_pitch;
  int32_t taps, dilation;  /* across */
  int32_t spacing;         /* bytes between the words of a patch */
  int32_t next, below;     /* see ek_helium_patches */
  int32_t channels, block; /* of input: all, and in the table at once */
  int32_t multiplier;      /* output channels of each */
  int32_t batches, in_bytes, out_bytes;
  int32_t columns; /* of the table, per strip */
  int32_t strips;  /* of a pass */
  int32_t rest;    /* words into the lists where that of the last pass begins */
  int32_t tables;  /* 2: more than four taps across */
  int32_t patches; /* of an output; 0: shared, a strip is two lines */
  int32_t save;    /* bytes of a line that is kept for the next pass, or 0 */
  int32_t flat;    /* 1: a line of all channels is one run of bytes */
  int32_t in_zero_point;
  int32_t zero_point, away, low, high; /* see ek_helium_layer */
} ek_depthwise_patches_params;

typedef struct {
  const ek_depthwise_patches_params *p;
  const int8_t *in; /* the block's first channel */
  int8_t *table, *fill, *saved;
  int32_t run, positions, fresh; /* first line that is not in `saved` */
} ek_patches_state;

/* Lines from tap `first` on of the strip whose first output line is `line`, to their place in the
 * table. */
EK_NOINLINE void ek_patches_lines(const ek_patches_state *s, int32_t line, int32_t first,
                                  int8_t *to) {
  const ek_depthwise_patches_params *p = s->p;
  const int32_t jump = p->flat ? 0 : p->in_step - s->run;
  ek_helium_lay_shape lay = {.line = {s->fill, s->fill, s->fill, s->fill},
                             .step = {-s->run, -s->run, -s->run, -s->run},
                             .positions = s->positions,
                             .run = s->run};
  const int32_t taps = p->taps + (p->patches == 0);
  for (int32_t j = 0; j < ek_min(taps - first, 4); ++j) {
    const int32_t y = line * p->line_stride - p->line_pad + (first + j) * p->dilation;
    if (y < 0 || y >= p->lines) continue;
    lay.line[j] = y < s->fresh ? s->saved : s->in + y * p->in_pitch;
    lay.step[j] = y < s->fresh ? 0 : jump;
  }
  ek_helium_lay(to + 4 * p->block * p->pad, &lay);
}

EK_KERNEL int8_t *ek_patches_strip(const ek_patches_state *s, int32_t line, int8_t *to) {
  for (int32_t table = 0; table < s->p->tables; ++table) {
    ek_patches_lines(s, line, 4 * table, to);
    to += 4 * s->p->block * s->p->columns;
  }
  return to;
}

EK_KERNEL void ek_patches_block(ek_patches_state *s, int8_t *out, const int32_t *records,
                                const int32_t *lists, ek_helium_patches_fn patches) {
  const ek_depthwise_patches_params *p = s->p;
  const int32_t each = p->patches == 0 ? 2 : 1, once = p->strips * each;
  ek_helium_patches run = {s->table,   lists,         p->block * p->multiplier,
                           p->spacing, p->zero_point, 0xFFFF,
                           p->next,    p->below};
  s->fresh = 0;
  for (int32_t line = 0; line < p->out_lines; line += once, out += once * p->out_pitch) {
    int8_t *to = s->table;
    const int32_t end = ek_min(line + once, p->out_lines);
    for (int32_t at = line; at < end; at += each) {
      /* An odd last line is made with the one before it, where the pass has that. */
      to = ek_patches_strip(s, at > line ? ek_min(at, p->out_lines - each) : at, to);
    }
    if (line + once >= p->out_lines) run.list = lists + p->rest;
    if (end - line < each) run.mask = 0x0F0F;
    if (p->save) {
      const ek_copy_shape copy = {s->run, s->positions, p->in_step, s->run};
      s->fresh = line + once;
      if (s->fresh <= p->lines)
        ek_helium_copy(s->saved, s->in + (s->fresh - 1) * p->in_pitch, &copy);
    }
    patches(out, records, &run);
  }
}

EK_NOINLINE void ek_depthwise_patches_run(const ek_depthwise_patches_params *p, const int8_t *in,
                                          int8_t *out, const int32_t *records, const int32_t *lists,
                                          void *scratch, ek_helium_patches_fn patches) {
  const int32_t table = 4 * p->block * p->columns * p->tables * p->strips;
  const int32_t words = ek_patch_record(p->patches) * p->multiplier;
  ek_patches_state s = {p, in, (int8_t *)scratch, (int8_t *)scratch + table, 0, p->block, p->n, 0};
  if (p->flat) {
    s.run = p->n * p->channels;
    s.positions = 1;
  }
  s.saved = s.fill + s.run;
  ek_helium_fill(s.table, table + s.run, p->in_zero_point);
  for (int32_t b = 0; b < p->batches; ++b, in += p->in_bytes, out += p->out_bytes) {
    for (int32_t c = 0; c < p->channels; c += p->block) {
      s.in = in + c;
      ek_patches_block(&s, out + c * p->multiplier, records + c * words, lists, patches);
    }
  }
}

EK_KERNEL void ek_depthwise_patches(const ek_depthwise_patches_params *p, const int8_t *in,
                                    int8_t *out, const int32_t *records, const int32_t *lists,
                                    void *scratch) {
  ek_depthwise_patches_run(p, in, out, records, lists, scratch,
                           ek_helium_patches_for(p->patches, p->away));
  ek_clamp_all(out, p->batches * p->out_bytes, p->low, p->high);
}

#endif
