/* SPDX-License-Identifier: Apache-2.0 */
/* CAST: numbers to another type, as C converts them; no scales. */
#ifndef EK_CAST_H
#define EK_CAST_H

#include "ek_kernel.h"

typedef struct {
  int32_t count;
} ek_cast_params;

/* A macro because the types of both ends are its caller's. */
#define ek_cast(p, in, out)                                                            \
  do {                                                                                 \
    for (int32_t i = 0; i < (p)->count; ++i) (out)[i] = (__typeof__((out)[0]))(in)[i]; \
  } while (0)

#endif
