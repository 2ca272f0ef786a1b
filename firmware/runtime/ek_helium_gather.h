/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of up to 48 taps brought together with gathering loads of Helium: for short kernel rows
 * and for taps that are apart.
 */
#ifndef EK_HELIUM_GATHER_H
#define EK_HELIUM_GATHER_H

#include "ek_helium.h"

#define EK_GATHER_STEPS 3 /* most, of 16 taps */

/* Per step where its even taps are, then its odd ones, in bytes from the window's first. */
typedef struct {
  uint16_t offsets[16 * EK_GATHER_STEPS];
  int32_t steps, pixel; /* bytes from window to window */
} ek_helium_taps;

/* `count` neighbouring windows, 16 bytes a step each. */
EK_NOINLINE void ek_helium_gather_c(int8_t *to, const int8_t *from, const ek_helium_taps *s,
                                    int32_t count) {
  for (; count > 0; --count, from += s->pixel) {
    for (int32_t i = 0; i < 16 * s->steps; ++i) {
      *to++ = from[s->offsets[i / 16 * 16 + i % 2 * 8 + i / 2 % 8]];
    }
  }
}

#ifdef EK_HELIUM
/* Register plan: r0 to, r1 from, r3 windows, r4 bytes from window to window; q0 q1 taps, q2-q7
 * their offsets. Six instructions for a window of one step, ten of two, fourteen of three. */
#define EK_GATHER_STEP(even, odd)                           \
  "vldrb.u16 q0, [r1, " #even "]\nvldrb.u16 q1, [r1, " #odd \
  "]\nvsli.16 q0, q1, #8\nvstrh.16 q0, [r0], #16\n"
#define EK_GATHER_LOOP(steps) "dls lr, r3\n1:\n" steps "add r1, r4\nle lr, 1b\nb 9f\n"
EK_NAKED void ek_helium_gather_asm(int8_t *to EK_UNUSED, const int8_t *from EK_UNUSED,
                                   const ek_helium_taps *s EK_UNUSED, int32_t count EK_UNUSED) {
  __asm volatile(
      "push {r4, lr}\nvpush {d8-d15}\n"
      "vldrh.u16 q2, [r2]\nvldrh.u16 q3, [r2, #16]\nvldrh.u16 q4, [r2, #32]\n"
      "vldrh.u16 q5, [r2, #48]\nvldrh.u16 q6, [r2, #64]\nvldrh.u16 q7, [r2, #80]\n"
      "ldr r4, [r2, #100]\nldr r2, [r2, #96]\ncmp r2, #2\nbeq 2f\nbhi 3f\n"
      EK_GATHER_LOOP(EK_GATHER_STEP(q2, q3))
      "2:\n" EK_GATHER_LOOP(EK_GATHER_STEP(q2, q3) EK_GATHER_STEP(q4, q5))
      "3:\n" EK_GATHER_LOOP(EK_GATHER_STEP(q2, q3) EK_GATHER_STEP(q4, q5) EK_GATHER_STEP(q6, q7))
      "9: vpop {d8-d15}\npop {r4, pc}\n");
}
#endif

EK_KERNEL void ek_helium_gather(int8_t *to, const int8_t *from, const ek_helium_taps *s,
                                int32_t count) {
#ifdef EK_HELIUM
  ek_helium_gather_asm(to, from, s, count);
#else
  ek_helium_gather_c(to, from, s, count);
#endif
}

#endif
