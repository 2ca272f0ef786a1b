/* SPDX-License-Identifier: Apache-2.0 */
/* Largest values, and sums, over windows of int8 NHWC tensors with Helium: channels in lanes.
 *
 * A sum of up to 256 bytes fits a lane of 16 bits.
 */
#ifndef EK_HELIUM_POOL_H
#define EK_HELIUM_POOL_H

#include "ek_helium.h"

typedef struct {
  int32_t height, width; /* of the window, at least 1 */
  int32_t step, pitch;   /* bytes between its pixels and between its rows */
  int32_t channels;
} ek_helium_window;

/* The twins: the largest value, the sum of each channel. */
EK_NOINLINE void ek_helium_largest_c(const int8_t *in, int8_t *out, const ek_helium_window *s) {
  for (int32_t c = 0; c < s->channels; ++c) {
    int32_t top = INT8_MIN;
    for (int32_t i = 0; i < s->height * s->width; ++i) {
      top = ek_max(top, in[i / s->width * s->pitch + i % s->width * s->step + c]);
    }
    out[c] = (int8_t)top;
  }
}
EK_NOINLINE void ek_helium_sums_c(const int8_t *in, int16_t *out, const ek_helium_window *s) {
  for (int32_t c = 0; c < s->channels; ++c) {
    int32_t sum = 0;
    for (int32_t i = 0; i < s->height * s->width; ++i) {
      sum += in[i / s->width * s->pitch + i % s->width * s->step + c];
    }
    out[c] = (int16_t)sum;
  }
}

#ifdef EK_HELIUM
/* Register plan: r0 in, r1 out, r3 height, r4 width, r5 step, r6 pitch, r7 channels left, r10 a
 * row, r11 rows left, r2 a pixel; q0 results, q1 inputs. Five instructions for a pixel's 16
 * channels, or its eight for sums. */
#define EK_POOL_BODY(lanes, START, LOAD, PUT, STORE, count) \
  __asm volatile(                                           \
      "push {r4-r11, lr}\nldmia r2, {r3-r7}\n"              \
      "1: vctp." #lanes " r7\n" START                       \
      "mov r10, r0\nmov r11, r3\n"                          \
      "2: mov r2, r10\ndls lr, r4\n"                        \
      "3: vpst\n" LOAD " q1, [r2]\nadd r2, r5\n" PUT        \
      " q0, q0, q1\nle lr, 3b\n"                            \
      "add r10, r6\nsubs r11, #1\nbne 2b\n"                 \
      "vpst\n" STORE                                        \
      " q0, [r1], #16\n"                                    \
      "adds r0, #" #count "\nsubs r7, #" #count "\nbgt 1b\npop {r4-r11, pc}\n")
EK_NAKED void ek_helium_largest_asm(const int8_t *in EK_UNUSED, int8_t *out EK_UNUSED,
                                    const ek_helium_window *s EK_UNUSED) {
  EK_POOL_BODY(8, "vmov.i8 q0, #0x80\n", "vldrbt.8", "vmax.s8", "vstrbt.8", 16);
}
EK_NAKED void ek_helium_sums_asm(const int8_t *in EK_UNUSED, int16_t *out EK_UNUSED,
                                 const ek_helium_window *s EK_UNUSED) {
  EK_POOL_BODY(16, "vmov.i32 q0, #0\n", "vldrbt.s16", "vadd.i16", "vstrht.16", 8);
}
#endif

EK_KERNEL void ek_helium_largest(const int8_t *in, int8_t *out, const ek_helium_window *s) {
#ifdef EK_HELIUM
  ek_helium_largest_asm(in, out, s);
#else
  ek_helium_largest_c(in, out, s);
#endif
}
EK_KERNEL void ek_helium_sums(const int8_t *in, int16_t *out, const ek_helium_window *s) {
#ifdef EK_HELIUM
  ek_helium_sums_asm(in, out, s);
#else
  ek_helium_sums_c(in, out, s);
#endif
}

/* sum / divisor rounded half away from zero, for |sum| + divisor / 2 < 2^15 and divisors up to 255:
 * ((|sum| + half) * factor) >> (16 + shift) is the quotient rounded down, for with 2^shift <
 * divisor
 * <= 2^(shift + 1) factor * divisor - 2^(16 + shift) is less than 2^(shift + 1). By 1 it is |sum| +
 * 1 - 2^-16 of that. */
typedef struct {
  int32_t half, factor, shift; /* shift: 0 or less */
  int32_t count;               /* of quotients */
} ek_helium_divisor;

EK_KERNEL ek_helium_divisor ek_helium_divide_by(int32_t divisor, int32_t count) {
  ek_helium_divisor by = {divisor / 2, 65535, 0, count};
  int32_t shift = 0;
  if (divisor == 1) {
    by.half = 1;
    return by;
  }
  while (2 << shift < divisor) ++shift;
  by.factor = ((65536 << shift) + divisor - 1) / divisor;
  by.shift = -shift;
  return by;
}

EK_NOINLINE void ek_helium_means_c(const int16_t *sums, int8_t *out, const ek_helium_divisor *by) {
  for (int32_t i = 0; i < by->count; ++i) {
    const uint32_t sum = (uint32_t)(sums[i] < 0 ? -sums[i] : sums[i]) + (uint32_t)by->half;
    const int32_t mean = (int32_t)(sum * (uint32_t)by->factor >> 16 >> -by->shift);
    out[i] = (int8_t)(sums[i] < 0 ? -mean : mean);
  }
}

#ifdef EK_HELIUM
/* Register plan: r0 sums, r1 out, r3 half, r4 factor, r5 shift, lr quotients left; q0 sums, q1
 * quotients, q2 factor, q3 signs. Ten instructions for eight. */
EK_NAKED void ek_helium_means_asm(const int16_t *sums EK_UNUSED, int8_t *out EK_UNUSED,
                                  const ek_helium_divisor *by EK_UNUSED) {
  __asm volatile(
      "push {r4-r6, lr}\nldmia r2, {r3-r6}\nvdup.16 q2, r4\nwlstp.16 lr, r6, 2f\n"
      "1: vldrh.u16 q0, [r0], #16\nvabs.s16 q1, q0\nvadd.i16 q1, q1, r3\nvmulh.u16 q1, q1, q2\n"
      "vshl.u16 q1, r5\nvshr.s16 q3, q0, #15\nveor q1, q1, q3\nvsub.i16 q1, q1, q3\n"
      "vstrb.16 q1, [r1], #8\nletp lr, 1b\n"
      "2: pop {r4-r6, pc}\n");
}
#endif

EK_KERNEL void ek_helium_means(const int16_t *sums, int8_t *out, const ek_helium_divisor *by) {
#ifdef EK_HELIUM
  ek_helium_means_asm(sums, out, by);
#else
  ek_helium_means_c(sums, out, by);
#endif
}

#endif
