/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of four sums of one channel to int8, for cores with plain products. */
#ifndef EK_STEP_GRID_H
#define EK_STEP_GRID_H

#include "ek_plain.h"

typedef struct {
  int32_t rows, columns; /* 1 to 4 */
  int32_t step, pitch;   /* bytes between outputs of a row, between rows */
} ek_step_grid;

/* The twin. The record is copied: a store could change it, for all that the compiler knows. */
EK_NOINLINE void ek_step_grid_c(const uint32_t *sums, const ek_stepped *record, int8_t *out,
                                const ek_step_grid *s) {
  const ek_stepped r = *record;
  for (int32_t y = 0; y < s->rows; ++y, sums += 4, out += s->pitch) {
    int8_t *to = out;
    for (int32_t x = 0; x < s->columns; ++x, to += s->step) {
      *to = ek_step((int32_t)(sums[x] + (uint32_t)r.start), &r);
    }
  }
}

#ifdef EK_THUMB
/* Register plan: those of EK_STEP, r1 sums, r3 out, r8 start, r9 bytes of a row's sums, r10 step,
 * r11 end of the row's sums. On the stack: 0 out of the row, 4 rows left, 8 s, 12 the row's sums.
 */
#define EK_STEP_GRID_BODY(STEP, RECORD)                                                          \
  __asm volatile(EK_PLAIN_OPEN(                                                                  \
      20) "str r2, [sp]\nstr r3, [sp, #8]\nstr r0, [sp, #12]\nldr r4, [r3]\nstr r4, [sp, #4]\n"  \
          "ldr r4, [r3, #8]\nmov r10, r4\nldr r4, [r1]\nmov r8, r4\nldr r4, [r3, #4]\n"          \
          "lsls r4, r4, #2\nmov r9, r4\nmovs r3, r1\n" RECORD                                    \
          "1: ldr r1, [sp, #12]\nmov r2, r1\nadd r2, r9\nmov r11, r2\nldr r3, [sp]\n"            \
          "2: ldmia r1!, {r0}\nadd r0, r8\n" STEP                                                \
          "strb r0, [r3]\nadd r3, r10\ncmp r1, r11\nbne 2b\n"                                    \
          "ldr r2, [sp, #4]\nsubs r2, #1\nbeq 4f\nstr r2, [sp, #4]\nldr r2, [sp, #12]\n"         \
          "adds r2, #16\nstr r2, [sp, #12]\nldr r2, [sp, #8]\nldr r2, [r2, #12]\nldr r3, [sp]\n" \
          "adds r3, r2\nstr r3, [sp]\nb 1b\n4:\n" EK_PLAIN_CLOSE(20))

EK_NAKED void ek_step_grid_up(const uint32_t *sums EK_UNUSED, const ek_stepped *record EK_UNUSED,
                              int8_t *out EK_UNUSED, const ek_step_grid *s EK_UNUSED) {
  EK_STEP_GRID_BODY(EK_STEP_UP, EK_RECORD_UP);
}
EK_NAKED void ek_step_grid_away(const uint32_t *sums EK_UNUSED, const ek_stepped *record EK_UNUSED,
                                int8_t *out EK_UNUSED, const ek_step_grid *s EK_UNUSED) {
  EK_STEP_GRID_BODY(EK_STEP_AWAY, EK_RECORD_AWAY);
}
#endif

typedef void (*ek_step_grid_fn)(const uint32_t *, const ek_stepped *, int8_t *,
                                const ek_step_grid *);

EK_KERNEL ek_step_grid_fn ek_step_grid_for(int32_t away) {
#ifdef EK_THUMB
  return away ? ek_step_grid_away : ek_step_grid_up;
#else
  (void)away;
  return ek_step_grid_c;
#endif
}

#endif
