/* SPDX-License-Identifier: Apache-2.0 */
/* Three sums of products in two words, for cores with plain 32-bit products: two products do the
 * work of three.
 *
 * Inputs a, b, c of three pixels become the words a + 2^21 b and c + 2^10 b. Multiplied by a weight
 * and added up modulo 2^32 they hold A + 2^21 B and C + 2^10 B. The lower 21 bits of the first are
 * A, which leaves the lower 11 bits of B; what they bring into the second word gone, its lower 21
 * bits are C and the rest is what B has above 2^11. Exact for A, C and B of -2^20 to 2^20 - 1:
 * the generator proves it for every int8 input (edgekit/lower/ways/trio.py).
 */
#ifndef EK_TRIO_H
#define EK_TRIO_H

#include "ek_plain.h"

EK_KERNEL uint32_t ek_trio_first(int32_t a, int32_t b) {
  return (uint32_t)a + ((uint32_t)b << 21);
}
EK_KERNEL uint32_t ek_trio_second(int32_t b, int32_t c) {
  return (uint32_t)c + ((uint32_t)b << 10);
}

/* A, B, C to sums[0..2]. */
EK_KERNEL void ek_trio_sums(uint32_t first, uint32_t second, int32_t *sums) {
  const int32_t a = (int32_t)(first << 11) >> 11;
  const uint32_t rest = first - (uint32_t)a;
  const uint32_t less = second - (uint32_t)((int32_t)rest >> 11);
  const int32_t c = (int32_t)(less << 11) >> 11;
  sums[0] = a;
  sums[1] = ((int32_t)rest >> 21) + ((int32_t)(less - (uint32_t)c) >> 10);
  sums[2] = c;
}

#ifdef EK_THUMB
/* The start at r2 for both words: the first one's to r3, the second one's to r2. */
#define EK_TRIO_STARTS "lsls r3, r2, #21\nadds r3, r2\nlsls r0, r2, #10\nadds r2, r0\n"
/* FIRST and SECOND are registers r8-r11, PUT_A to PUT_C store r0 and may use r2; r1 is free and the
 * rest as STEP has it. */
#ifdef __thumb2__
#define EK_TRIO_OUT(STEP, FIRST, SECOND, PUT_A, PUT_B, PUT_C)                         \
  "sbfx r0, " FIRST ", #0, #21\nsub r1, " FIRST ", r0\n" STEP PUT_A "sub r0, " SECOND \
  ", r1, asr #11\nsbfx r2, r0, #0, #21\nsubs r0, r0, r2\nasrs r1, r1, #21\n"          \
  "add r1, r1, r0, asr #10\nmovs r0, r2\n" STEP PUT_C "movs r0, r1\n" STEP PUT_B
#else
#define EK_TRIO_OUT(STEP, FIRST, SECOND, PUT_A, PUT_B, PUT_C)                                      \
  "mov r1, " FIRST "\nlsls r0, r1, #11\nasrs r0, r0, #11\nsubs r1, r1, r0\n" STEP PUT_A            \
  "asrs r2, r1, #11\nmov r0, " SECOND                                                              \
  "\nsubs r0, r0, r2\nlsls r2, r0, #11\nasrs r2, r2, #11\n"                                        \
  "subs r0, r0, r2\nasrs r0, r0, #10\nasrs r1, r1, #21\nadds r1, r1, r0\nmovs r0, r2\n" STEP PUT_C \
  "movs r0, r1\n" STEP PUT_B
#endif
#endif

#endif
