/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of operators with two inputs, each of which may be repeated along some axes. */
#ifndef EK_BROADCAST_H
#define EK_BROADCAST_H

#include "ek_kernel.h"

/* Output sides d0..d3 and, per input, elements to step for each; 0 repeats the input. The
 * generator merges axes, so equal shapes are one loop of d3 elements. */
typedef struct {
  int32_t d0, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3;
} ek_broadcast_shape;

/* Runs `body` for every output element with `ia`, `ib` (input indices) and `io` in scope. */
#define EK_BROADCAST(s, body)                                      \
  do {                                                             \
    int32_t io = 0;                                                \
    for (int32_t i0 = 0; i0 < (s)->d0; ++i0) {                     \
      for (int32_t i1 = 0; i1 < (s)->d1; ++i1) {                   \
        for (int32_t i2 = 0; i2 < (s)->d2; ++i2) {                 \
          int32_t ia = i0 * (s)->a0 + i1 * (s)->a1 + i2 * (s)->a2; \
          int32_t ib = i0 * (s)->b0 + i1 * (s)->b1 + i2 * (s)->b2; \
          for (int32_t i3 = 0; i3 < (s)->d3; ++i3, ++io) {         \
            body;                                                  \
            ia += (s)->a3;                                         \
            ib += (s)->b3;                                         \
          }                                                        \
        }                                                          \
      }                                                            \
    }                                                              \
  } while (0)

#endif
