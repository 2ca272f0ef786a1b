/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of reductions: over the axes that stay, and for each place over those that go. */
#ifndef EK_REDUCE_H
#define EK_REDUCE_H

#include "ek_kernel.h"

/* Sides and input steps of kept (k) and reduced (r) axes. The generator merges neighbours of a
 * kind, so at most three of each are left of any six axes. */
typedef struct {
  int32_t k0, k1, k2, k0_step, k1_step, k2_step;
  int32_t r0, r1, r2, r0_step, r1_step, r2_step;
} ek_reduce_shape;

/* Runs `body` with `i`, a step into the input, for every combination of three sides. */
#define EK_THREE_AXES(n0, s0, n1, s1, n2, s2, body)        \
  do {                                                     \
    for (int32_t i0 = 0; i0 < (n0); ++i0) {                \
      for (int32_t i1 = 0; i1 < (n1); ++i1) {              \
        int32_t i = i0 * (s0) + i1 * (s1);                 \
        for (int32_t i2 = 0; i2 < (n2); ++i2, i += (s2)) { \
          body;                                            \
        }                                                  \
      }                                                    \
    }                                                      \
  } while (0)

/* For every element that goes into one output. */
#define EK_REDUCE(s, body) \
  EK_THREE_AXES((s)->r0, (s)->r0_step, (s)->r1, (s)->r1_step, (s)->r2, (s)->r2_step, body)

/* For every output `io`, `i` being where its first element lies. */
#define EK_KEPT(s, body)                                                                     \
  do {                                                                                       \
    int32_t io = 0;                                                                          \
    EK_THREE_AXES((s)->k0, (s)->k0_step, (s)->k1, (s)->k1_step, (s)->k2, (s)->k2_step, body; \
                  ++io);                                                                     \
  } while (0)

#endif
