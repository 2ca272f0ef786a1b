/* SPDX-License-Identifier: Apache-2.0 */
/* Trios of layers with so many inputs that their sums would not fit: the inputs go in parts whose
 * sums do, and those are added up in words.
 *
 * `x` holds for each part what ek_trio_block.h says, `weights` are [part][channel][input of it].
 */
#ifndef EK_TRIO_PARTS_H
#define EK_TRIO_PARTS_H

#include "ek_trio_expand.h"
#include "ek_words.h"

/* The twin: sums[channel][6] of one part are added. */
EK_NOINLINE void ek_trio_add_c(const uint32_t *x, const uint8_t *weights, int32_t *sums,
                               const ek_trio_shape *s) {
  for (int32_t c = 0; c < s->channels; ++c, weights += s->inputs, sums += 6) {
    uint32_t words[4] = {x[0], x[1], x[2], x[3]};
    for (int32_t k = 0; k < s->inputs; ++k) {
      for (int32_t i = 0; i < 4; ++i) words[i] += x[4 * k + 4 + i] * weights[k];
    }
    for (int32_t i = 0; i < 6; i += 3) {
      int32_t part[3];
      ek_trio_sums(words[i / 3 * 2], words[i / 3 * 2 + 1], part);
      for (int32_t px = 0; px < 3; ++px) sums[i + px] += part[px];
    }
  }
}

#ifdef EK_THUMB
/* As ek_trio_block_up; r3 sums. `start`: a zero. */
#define EK_TRIO_ADD(i) "ldr r2, [r3, #4*" #i "]\nadds r0, r2\nstr r0, [r3, #4*" #i "]\n"
EK_NAKED void ek_trio_add_asm(const uint32_t *x EK_UNUSED, const uint8_t *weights EK_UNUSED,
                              const int32_t *start EK_UNUSED, int32_t *sums EK_UNUSED,
                              const ek_trio_shape *s EK_UNUSED) {
  EK_TRIO_BLOCK("", "", EK_TRIO_ADD(0), EK_TRIO_ADD, "adds r3, #24\n");
}
#endif

#ifdef EK_RV32
EK_OPTIMIZED void ek_trio_add_rv32(const uint32_t *x, const uint8_t *weights, int32_t *sums,
                                   const ek_trio_shape *s) {
  for (int32_t i = 0; i < s->channels / 4; ++i, weights += 4 * s->inputs) {
    uint32_t words[16];
    ek_plain_words_rv32(x + 4, weights, s->inputs, words);
    for (int32_t c = 0; c < 16; c += 2, sums += 3) {
      int32_t part[3];
      ek_trio_sums(words[c] + x[c & 2], words[c + 1] + x[(c & 2) + 1], part);
      sums[0] += part[0], sums[1] += part[1], sums[2] += part[2];
    }
  }
  ek_trio_shape rest = *s;
  rest.channels = s->channels % 4;
  ek_trio_add_c(x, weights, sums, &rest);
}
#endif

EK_KERNEL void ek_trio_add(const uint32_t *x, const uint8_t *weights, int32_t *sums,
                           const ek_trio_shape *s) {
#ifdef EK_THUMB
  const int32_t start = 0;
  ek_trio_add_asm(x, weights, &start, sums, s);
#elif defined(EK_RV32)
  ek_trio_add_rv32(x, weights, sums, s);
#else
  ek_trio_add_c(x, weights, sums, s);
#endif
}

/* All channels of six pixels; `inputs` of the shape are those of one part. */
EK_NOINLINE void ek_trio_parts(const uint32_t *x, const uint8_t *weights, const ek_stepped *records,
                               int8_t *out, const ek_trio_shape *s, int32_t parts, int32_t *sums) {
  ek_words_fill(sums, 6 * s->channels, 0);
  for (int32_t part = 0; part < parts; ++part) {
    ek_trio_add(x, weights, sums, s);
    x += 4 * (s->inputs + 1);
    weights += s->inputs * s->channels;
  }
  for (int32_t c = 0; c < s->channels; ++c, ++out) {
    const ek_stepped r = records[c];
    for (int32_t i = 0; i < 6; ++i, ++sums) {
      out[s->at[i]] = ek_step((int32_t)((uint32_t)*sums + (uint32_t)r.start), &r);
    }
  }
}

#endif
