/* SPDX-License-Identifier: Apache-2.0 */
/* What every kernel shares: inlining, integer scaling, clamping.
 *
 * A kernel is one header ek_<op>.h with a params struct and one function. The generator calls it
 * from a small function per distinct params, so every field of the struct is a constant where the
 * kernel is compiled and loops, branches and divisions by it fold away.
 */
#ifndef EK_KERNEL_H
#define EK_KERNEL_H

#include <stdint.h>
#include <string.h>

/* GCC 12 makes wrong vector code for Helium from plain C (measured: conditional stores at -O2); the
 * kernels' own vectors are assembly. */
#if defined(__ARM_FEATURE_MVE) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-vectorize")
#endif

#define EK_KERNEL static inline __attribute__((always_inline, unused))
#define EK_NOINLINE static __attribute__((noinline, unused))
/* For functions whose assembly reads what their pointers point at: the compiler must not conclude
 * from their empty C that nothing is read. */
#if defined(__GNUC__) && !defined(__clang__)
#define EK_OPAQUE __attribute__((noipa))
#else
#define EK_OPAQUE
#endif
#define EK_ALIGN(n) __attribute__((aligned(n)))

EK_KERNEL int32_t ek_min(int32_t a, int32_t b) {
  return a < b ? a : b;
}
EK_KERNEL int32_t ek_max(int32_t a, int32_t b) {
  return a > b ? a : b;
}
EK_KERNEL int32_t ek_clamp(int32_t x, int32_t low, int32_t high) {
  return ek_min(ek_max(x, low), high);
}

/* High 32 bits of 2*a*b, rounded half up: the saturating case (both INT32_MIN) cannot occur,
 * multipliers are never negative. Equals gemmlowp's SaturatingRoundingDoublingHighMul. */
EK_KERNEL int32_t ek_mul_high(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^exponent, rounded half away from zero (gemmlowp's RoundingDivideByPOT). */
EK_KERNEL int32_t ek_shift_right(int32_t x, int32_t exponent) {
  const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
  const int32_t rest = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (rest > threshold ? 1 : 0);
}

/* x * multiplier * 2^(shift - 31) with TFLM's double rounding; shift is -31..30. */
EK_KERNEL int32_t ek_scale(int32_t x, int32_t multiplier, int32_t shift) {
  const uint32_t left = shift > 0 ? (uint32_t)shift : 0u;
  const int32_t right = shift > 0 ? 0 : -shift;
  return ek_shift_right(ek_mul_high((int32_t)((uint32_t)x << left), multiplier), right);
}

#endif
