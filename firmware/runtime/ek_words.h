/* SPDX-License-Identifier: Apache-2.0 */
/* Words moved and filled four at a time: the C library of a small system does it byte by byte. */
#ifndef EK_WORDS_H
#define EK_WORDS_H

#include "ek_kernel.h"

/* `fours` times four words; `to` may lie below `from` and overlap it. */
EK_NOINLINE void ek_words_move(int32_t *to, const int32_t *from, int32_t fours) {
  for (; fours > 0; --fours, to += 4, from += 4) {
    const int32_t a = from[0], b = from[1], c = from[2], d = from[3];
    to[0] = a;
    to[1] = b;
    to[2] = c;
    to[3] = d;
  }
}

EK_NOINLINE void ek_words_fill(int32_t *to, int32_t count, int32_t value) {
  for (; count >= 4; count -= 4, to += 4) {
    to[0] = value;
    to[1] = value;
    to[2] = value;
    to[3] = value;
  }
  for (int32_t i = 0; i < count; ++i) to[i] = value;
}

#endif
