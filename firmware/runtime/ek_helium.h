/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels for Helium (Armv8.1-M vectors of 16 bytes) share.
 *
 * VMLADAV sums 16 products of bytes into an even core register: eight accumulators (r0, r2, ...
 * r12, lr) leave the odd registers for pointers, so loops count in memory. Sums become vectors of
 * four, which VQRDMULH and VRSHL narrow as the reference does, but for halves below zero: VRSHL
 * rounds them up, and where such results count a sum below zero is made one less first.
 */
#ifndef EK_HELIUM_H
#define EK_HELIUM_H

#include "ek_asm.h"

/* How the sums of a channel become int8. */
typedef struct {
  int32_t bias, multiplier, shift; /* shift: -1..-31 */
} ek_helium_finish;

EK_KERNEL int8_t ek_helium_narrow(int32_t sum, const ek_helium_finish *f, int32_t zero_point,
                                  int32_t away) {
  int64_t r = ek_mul_high((int32_t)((uint32_t)sum + (uint32_t)f->bias), f->multiplier);
  if (away && r < 0) r -= 1;
  r = (r + ((int64_t)1 << (-f->shift - 1))) >> -f->shift;
  return (int8_t)ek_clamp((int32_t)r + zero_point, -128, 127);
}

#ifdef EK_HELIUM
/* q0 and q1, each of four sums: AWAY is the correction, with q4 and q5 free. */
#define EK_HELIUM_UP
#define EK_HELIUM_AWAY                           \
  "vshr.s32 q4, q0, #31\nvshr.s32 q5, q1, #31\n" \
  "vadd.i32 q0, q0, q4\nvadd.i32 q1, q1, q5\n"
/* Their lanes in turn to bytes in the lower halves of q0's 16-bit lanes; `zero` in a register. */
#define EK_HELIUM_BYTES(zero)                \
  "vqmovnb.s32 q0, q0\nvqmovnt.s32 q0, q1\n" \
  "vqadd.s16 q0, q0, " #zero "\nvqmovnb.s16 q0, q0\n"
/* Into a function: what a call must preserve, and room on the stack. */
#define EK_HELIUM_OPEN(bytes) "push {r4-r11, lr}\nvpush {d8-d15}\nsub sp, #" #bytes "\n"
#define EK_HELIUM_CLOSE(bytes) "add sp, #" #bytes "\nvpop {d8-d15}\npop {r4-r11, pc}\n"
#endif

#endif
