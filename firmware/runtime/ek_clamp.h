/* SPDX-License-Identifier: Apache-2.0 */
/* A fused activation that narrowing to int8 does not already imply. */
#ifndef EK_CLAMP_H
#define EK_CLAMP_H

#include "ek_kernel.h"

/* In place; saturation to int8 before it changes nothing, the range lies within. */
EK_NOINLINE void ek_clamp_bytes(int8_t *data, int32_t count, int32_t low, int32_t high) {
  for (int32_t i = 0; i < count; ++i) data[i] = (int8_t)ek_clamp(data[i], low, high);
}

/* The range is a constant at each call: nothing is left of it where int8 is clamp enough. */
EK_KERNEL void ek_clamp_all(int8_t *data, int32_t count, int32_t low, int32_t high) {
  if (low > -128 || high < 127) ek_clamp_bytes(data, count, low, high);
}

#endif
