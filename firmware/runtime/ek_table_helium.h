/* SPDX-License-Identifier: Apache-2.0 */
/* ek_table.h with Helium: sixteen bytes looked up by one gathering load. */
#ifndef EK_TABLE_HELIUM_H
#define EK_TABLE_HELIUM_H

#include "ek_helium.h"
#include "ek_table.h"

typedef ek_table_params ek_table_helium_params;

EK_NOINLINE void ek_table_helium_run(const void *in, void *out, const uint8_t *table,
                                     const ek_table_params *p) {
#ifdef EK_HELIUM
  __asm volatile(
      "wlstp.8 lr, %2, 2f\n"
      "1: vldrb.8 q0, [%0], #16\nvldrb.u8 q1, [%3, q0]\nvstrb.8 q1, [%1], #16\nletp lr, 1b\n"
      "2:\n"
      : "+r"(in), "+r"(out)
      : "r"(p->count), "r"(table)
      : "lr", "q0", "q1", "memory");
#else
  ek_table(p, in, out, table);
#endif
}

EK_KERNEL void ek_table_helium(const ek_table_helium_params *p, const void *in, void *out,
                               const uint8_t *table) {
  ek_table_helium_run(in, out, table, p);
}

#endif
