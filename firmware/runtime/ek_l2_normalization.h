/* SPDX-License-Identifier: Apache-2.0 */
/* L2_NORMALIZATION: int8 rows divided by their length, to scale 1/128 and zero point 0.
 *
 * 1 / sqrt of the sum of squares by five Newton steps in Q3.28, in the order of roundings of
 * TFLM's GetInvSqrtQuantizedMultiplierExp (gemmlowp fixedpoint).
 */
#ifndef EK_L2_NORMALIZATION_H
#define EK_L2_NORMALIZATION_H

#include "ek_kernel.h"

typedef struct {
  int32_t rows, depth, in_offset;
} ek_l2_normalization_params;

typedef struct {
  int32_t multiplier, shift; /* as ek_scale takes them */
} ek_inverse_root;

EK_KERNEL int32_t ek_saturating_shift(int32_t x, int32_t shift) {
  const int64_t wide = (int64_t)x * ((int64_t)1 << shift);
  if (wide > INT32_MAX) return INT32_MAX;
  return wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

/* 1 / sqrt(x) for x in Q3.28; the steps start at 1. */
EK_NOINLINE int32_t ek_newton_inverse_root(int32_t x) {
  const int32_t half_three = (1 << 28) + (1 << 27);
  const int32_t half = ek_shift_right(x, 1);
  int32_t root = 1 << 28;
  for (int32_t step = 0; step < 5; ++step) {
    const int32_t cube =
        ek_saturating_shift(ek_mul_high(ek_mul_high(root, root), root), 6); /* Q9.22 to Q3.28 */
    const int32_t next = ek_mul_high(half_three, root) - ek_mul_high(half, cube);
    root = ek_saturating_shift(next, 3); /* Q6.25 to Q3.28 */
  }
  return ek_mul_high(root, 1518500250); /* sqrt(1/2) in Q0.31 */
}

EK_NOINLINE ek_inverse_root ek_inverse_root_of(int32_t x) {
  ek_inverse_root found = {INT32_MAX, 0};
  int32_t right = 11;
  if (x <= 1) return found; /* a row of zeros stays so */
  while (x >= 1 << 29) {
    x /= 4;
    ++right;
  }
  while (x < 1 << 27) {
    x *= 4;
    --right;
  }
  found.multiplier = ek_newton_inverse_root(x >> 1);
  if (right < 0) {
    found.multiplier = (int32_t)((uint32_t)found.multiplier << -right);
    right = 0;
  }
  found.shift = -right;
  return found;
}

EK_KERNEL void ek_l2_normalization(const ek_l2_normalization_params *p, const int8_t *in,
                                   int8_t *out) {
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->depth) {
    int32_t sum = 0;
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t value = in[c] + p->in_offset;
      sum += value * value;
    }
    const ek_inverse_root root = ek_inverse_root_of(sum);
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t scaled = ek_scale(in[c] + p->in_offset, root.multiplier, root.shift + 7);
      out[c] = (int8_t)ek_clamp(scaled, -128, 127);
    }
  }
}

#endif
