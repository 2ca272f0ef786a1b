/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of bytes copied or filled with Helium, 16 at a time; no byte more than they have. */
#ifndef EK_HELIUM_COPY_H
#define EK_HELIUM_COPY_H

#include "ek_helium.h"

typedef struct {
  int32_t bytes, runs; /* of one run, at least 0; at least 1 */
  int32_t from_pitch, to_pitch;
} ek_copy_shape;

EK_NOINLINE void ek_helium_copy_c(int8_t *to, const int8_t *from, const ek_copy_shape *s) {
  for (int32_t run = 0; run < s->runs; ++run, to += s->to_pitch, from += s->from_pitch) {
    for (int32_t i = 0; i < s->bytes; ++i) to[i] = from[i];
  }
}

#ifdef EK_HELIUM
/* Register plan: r0 to, r1 from, r2 bytes, r3 runs left, r4 r5 pitches, r6 r7 in a run. */
EK_NAKED void ek_helium_copy_asm(int8_t *to EK_UNUSED, const int8_t *from EK_UNUSED,
                                 const ek_copy_shape *s EK_UNUSED) {
  __asm volatile(
      "push {r4-r7, lr}\n"
      "ldmia r2, {r2-r5}\n"
      "1: mov r6, r0\nmov r7, r1\n"
      "wlstp.8 lr, r2, 3f\n"
      "2: vldrb.8 q0, [r7], #16\nvstrb.8 q0, [r6], #16\nletp lr, 2b\n"
      "3: add r0, r5\nadd r1, r4\nsubs r3, #1\nbne 1b\n"
      "pop {r4-r7, pc}\n");
}
#endif

EK_KERNEL void ek_helium_copy(int8_t *to, const int8_t *from, const ek_copy_shape *s) {
#ifdef EK_HELIUM
  ek_helium_copy_asm(to, from, s);
#else
  ek_helium_copy_c(to, from, s);
#endif
}

/* Windows of neighbouring pixels: per pixel `runs` runs, one after the other. */
typedef struct {
  int32_t bytes, runs, from_pitch;
  int32_t to_pixel, from_pixel; /* bytes from pixel to pixel */
} ek_copy_windows;

/* 16 bytes beyond the last window may be written. */
EK_NOINLINE void ek_helium_windows_c(int8_t *to, const int8_t *from, const ek_copy_windows *s,
                                     int32_t count) {
  for (; count > 0; --count, to += s->to_pixel, from += s->from_pixel) {
    const ek_copy_shape window = {s->bytes, s->runs, s->from_pitch, s->bytes};
    ek_helium_copy_c(to, from, &window);
  }
}

#ifdef EK_HELIUM
/* Register plan: r0 to, r1 from, r3 pixels left, r4-r8 the shape's fields; r9 r10 in a window,
 * r2 r12 in a run, r11 runs left. A run of at most 16 bytes is six instructions. */
EK_NAKED void ek_helium_windows_asm(int8_t *to EK_UNUSED, const int8_t *from EK_UNUSED,
                                    const ek_copy_windows *s EK_UNUSED, int32_t count EK_UNUSED) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "ldmia r2, {r4-r8}\ncmp r4, #16\nbhi 3f\nvctp.8 r4\n"
      "1: mov r9, r0\nmov r10, r1\ndls lr, r5\n"
      "2: vpst\nvldrbt.8 q0, [r10]\nadd r10, r6\nvstrb.8 q0, [r9]\nadd r9, r4\nle lr, 2b\n"
      "add r0, r7\nadd r1, r8\nsubs r3, #1\nbne 1b\npop {r4-r11, pc}\n"
      "3: mov r9, r0\nmov r10, r1\nmov r11, r5\n"
      "4: mov r2, r9\nmov r12, r10\nwlstp.8 lr, r4, 6f\n"
      "5: vldrb.8 q0, [r12], #16\nvstrb.8 q0, [r2], #16\nletp lr, 5b\n"
      "6: add r9, r4\nadd r10, r6\nsubs r11, #1\nbne 4b\n"
      "add r0, r7\nadd r1, r8\nsubs r3, #1\nbne 3b\npop {r4-r11, pc}\n");
}
#endif

EK_KERNEL void ek_helium_windows(int8_t *to, const int8_t *from, const ek_copy_windows *s,
                                 int32_t count) {
#ifdef EK_HELIUM
  ek_helium_windows_asm(to, from, s, count);
#else
  ek_helium_windows_c(to, from, s, count);
#endif
}

EK_NOINLINE void ek_helium_fill(int8_t *to, int32_t bytes, int32_t value) {
#ifdef EK_HELIUM
  __asm volatile(
      "vdup.8 q0, %2\n"
      "wlstp.8 lr, %1, 2f\n"
      "1: vstrb.8 q0, [%0], #16\nletp lr, 1b\n"
      "2:\n"
      : "+r"(to)
      : "r"(bytes), "r"(value)
      : "lr", "q0", "memory");
#else
  for (int32_t i = 0; i < bytes; ++i) to[i] = (int8_t)value;
#endif
}

#endif
