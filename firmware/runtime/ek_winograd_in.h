/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd F(4x4, 3x3), first half: 6x6 input tiles to 36 positions (Lavin and Gray,
 * arXiv:1509.09308; points 0, 1, -1, 2, -2, infinity; integers throughout).
 *
 * Inputs are bytes plus 128, so that plain additions on words with two channels carry between the
 * lanes in one way only: a negative lower lane has borrowed one from the upper, which is given back
 * at the end. Results lie within +-50 * 255.
 */
#ifndef EK_WINOGRAD_IN_H
#define EK_WINOGRAD_IN_H

#include "ek_lanes.h"

#define EK_TILE 36

typedef struct {
  int32_t row_bytes;      /* of the padded input */
  int32_t pixel_bytes;    /* channels */
  int32_t position_bytes; /* from a position's results to the next's */
} ek_tile_shape;

/* One dimension; `step` words between neighbours of d, results at t. */
EK_KERNEL void ek_tile_vector(const uint32_t *d, int32_t step, uint32_t t[6]) {
  const uint32_t d0 = d[0], d1 = d[step], d2 = d[2 * step];
  const uint32_t d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const uint32_t even = d4 - 4u * d2, odd = d3 - 4u * d1;
  const uint32_t even2 = d4 - d2, odd2 = d3 - d1;
  t[0] = even - d2 + 4u * d0;
  t[1] = even + odd;
  t[2] = even - odd;
  t[3] = even2 + 2u * odd2;
  t[4] = even2 - 2u * odd2;
  t[5] = d5 - d3 - 4u * odd2;
}

/* The twin: four channels at `from`; lanes (0, 2) go to `to`, (1, 3) four words behind. */
EK_NOINLINE void ek_tile_in_c(int32_t *to, const uint8_t *from, const ek_tile_shape *s) {
  for (int32_t pair = 0; pair < 2; ++pair, to += 4) {
    uint32_t tile[EK_TILE], columns[EK_TILE], row[6];
    for (int32_t i = 0; i < EK_TILE; ++i) {
      const uint8_t *at = from + i / 6 * s->row_bytes + i % 6 * s->pixel_bytes + pair;
      tile[i] = at[0] + 65536u * at[2];
    }
    for (int32_t x = 0; x < 6; ++x) ek_tile_vector(tile + x, 6, columns + 6 * x);
    for (int32_t i = 0; i < EK_TILE; ++i) {
      if (i % 6 == 0) ek_tile_vector(columns + i / 6, 6, row);
      const uint32_t value = row[i % 6] + ((row[i % 6] & 0x8000u) << 1);
      to[i * s->position_bytes / 4] = (int32_t)value;
    }
  }
}

#ifdef EK_DSP
/* Register plan: r2-r7 a vector, r8-r11 sums and results; r0 and r1 where to and where from. The
 * columns' results lie on the stack, 24 bytes a column, one channel pair behind the other. */
#define EK_TILE_VECTOR         \
  "sub r8, r6, r4, lsl #2\n"   \
  "sub r9, r5, r3, lsl #2\n"   \
  "sub r10, r6, r4\n"          \
  "sub r11, r5, r3\n"          \
  "sub r4, r8, r4\n"           \
  "add r2, r4, r2, lsl #2\n"   \
  "add r3, r8, r9\n"           \
  "sub r4, r8, r9\n"           \
  "sub r7, r7, r5\n"           \
  "add r5, r10, r11, lsl #1\n" \
  "sub r6, r10, r11, lsl #1\n" \
  "sub r7, r7, r11, lsl #2\n"
#define EK_GIVE_BACK(r) "and r8, " #r ", #0x8000\nadd " #r ", " #r ", r8, lsl #1\n"
/* Six results to positions r12 bytes apart; lr is three times that. */
#define EK_TILE_STORE \
  EK_GIVE_BACK(r2) EK_GIVE_BACK(r3) EK_GIVE_BACK(r4) EK_GIVE_BACK(r5)             \
  EK_GIVE_BACK(r6) EK_GIVE_BACK(r7)                                               \
  "str r2, [r0]\nstr r3, [r0, r12]\nstr r4, [r0, r12, lsl #1]\n"                  \
  "add r0, lr\nstr r5, [r0]\nstr r6, [r0, r12]\nstr r7, [r0, r12, lsl #1]\n"      \
  "add r0, lr\n"
EK_NAKED void ek_tile_in_asm(int32_t *to EK_UNUSED, const uint8_t *from EK_UNUSED,
                             const ek_tile_shape *s EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "sub sp, #300\n"
      "ldmia r2, {r3, r4, r5}\n"
      "str r0, [sp, #288]\n"
      "str r5, [sp, #292]\n"
      "str r4, [sp, #296]\n"
      "mov r12, r3\n"
      "add lr, r3, r3, lsl #1\n"
      "mov r0, sp\n"
      "1:\n"
      "ldr r2, [r1]\nldr r3, [r1, r12]\nldr r4, [r1, r12, lsl #1]\nldr r5, [r1, lr]\n"
      "add r8, r1, r12, lsl #2\nldr r6, [r8]\nldr r7, [r8, r12]\n"
      "stmia r0, {r2-r7}\n" /* the bytes, for the second pair of lanes */
      "uxtb16 r2, r2\nuxtb16 r3, r3\nuxtb16 r4, r4\nuxtb16 r5, r5\nuxtb16 r6, r6\nuxtb16 r7, "
      "r7\n" EK_TILE_VECTOR
      "ldmia r0, {r8-r11}\n"
      "stmia r0!, {r2-r5}\n"
      "ldrd r4, r5, [r0]\n"
      "strd r6, r7, [r0], #8\n"
      "uxtb16 r2, r8, ror #8\nuxtb16 r3, r9, ror #8\nuxtb16 r6, r4, ror #8\nuxtb16 r7, r5, ror #8\n"
      "uxtb16 r4, r10, ror #8\nuxtb16 r5, r11, ror #8\n" EK_TILE_VECTOR
      "add r8, r0, #120\n"
      "stmia r8, {r2-r7}\n"
      "ldr r2, [sp, #296]\n"
      "add r1, r2\n"
      "add r2, sp, #144\n"
      "cmp r0, r2\nbne 1b\n"
      "ldr r12, [sp, #292]\n"
      "ldr r0, [sp, #288]\n"
      "add lr, r12, r12, lsl #1\n"
      "mov r1, sp\n"
      "2: add r9, r1, #24\nstr r9, [sp, #292]\n"
      "3: ldr r2, [r1], #4\nldr r3, [r1, #20]\nldr r4, [r1, #44]\n"
      "ldr r5, [r1, #68]\nldr r6, [r1, #92]\nldr r7, [r1, #116]\n" EK_TILE_VECTOR EK_TILE_STORE
      "ldr r8, [sp, #292]\ncmp r1, r8\nbne 3b\n"
      "add r2, sp, #144\ncmp r1, r2\nbhi 4f\n"
      "ldr r0, [sp, #288]\n"
      "add r0, #16\n"
      "mov r1, r2\n"
      "b 2b\n"
      "4:\n"
      "add sp, #300\n"
      "pop {r4-r11, pc}\n");
}
#endif

EK_KERNEL void ek_tile_in(int32_t *to, const uint8_t *from, const ek_tile_shape *s) {
#ifdef EK_DSP
  ek_tile_in_asm(to, from, s);
#else
  ek_tile_in_c(to, from, s);
#endif
}

#endif
