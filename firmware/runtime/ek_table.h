/* SPDX-License-Identifier: Apache-2.0 */
/* Any operator from one 8-bit value to another: every byte looked up in a table. */
#ifndef EK_TABLE_H
#define EK_TABLE_H

#include "ek_kernel.h"

typedef struct {
  int32_t count;
} ek_table_params;

/* `out` may be `in`. The table is indexed by the raw byte: int8 -1 is entry 255. */
EK_KERNEL void ek_table(const ek_table_params *p, const void *in, void *out, const uint8_t *table) {
  const uint8_t *from = (const uint8_t *)in;
  uint8_t *to = (uint8_t *)out;
  for (int32_t i = 0; i < p->count; ++i) to[i] = table[from[i]];
}

#endif
