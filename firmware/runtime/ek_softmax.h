/* SPDX-License-Identifier: Apache-2.0 */
/* SOFTMAX: int8 to int8 (scale 1/256, zero point -128) over the last axis.
 *
 * Fixed point throughout, "Qi.f" = i integer and f fractional bits in an int32. The polynomials,
 * constants and the order of roundings are those of TFLM's int8 Softmax (gemmlowp fixedpoint),
 * without which the last bit would differ.
 */
#ifndef EK_SOFTMAX_H
#define EK_SOFTMAX_H

#include "ek_kernel.h"

typedef struct {
  int32_t rows, depth, multiplier, left_shift, diff_min;
} ek_softmax_params;

/* exp(a) for a in [-1/4, 0), Q0.31 to Q0.31: a Taylor series around -1/8. */
EK_NOINLINE int32_t ek_exp_quarter(int32_t a) {
  const int32_t exp_minus_eighth = 1895147668;
  const int32_t third = 715827883;
  const int32_t x = a + (1 << 28);
  const int32_t x2 = ek_mul_high(x, x);
  const int32_t x3 = ek_mul_high(x2, x);
  const int32_t x4 = ek_mul_high(x2, x2);
  const int32_t tail = ek_mul_high(ek_shift_right(x4, 2) + x3, third) + x2;
  return exp_minus_eighth + ek_mul_high(exp_minus_eighth, x + ek_shift_right(tail, 1));
}

/* exp(a) for a <= 0, Q5.26 to Q0.31: exp(-1/4) .. exp(-16) multiplied in for each bit set. */
EK_NOINLINE int32_t ek_exp_negative(int32_t a) {
  static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308,
                                    39332535,   720401,     242};
  const int32_t quarter = 1 << 24;
  const int32_t rest = (a & (quarter - 1)) - quarter;
  const uint32_t whole = (uint32_t)(rest - a);
  int32_t result = ek_exp_quarter(rest * 32);
  if (a == 0) return INT32_MAX;
  for (int32_t i = 0; i < 7; ++i) {
    if ((whole >> (24 + i)) & 1u) result = ek_mul_high(result, factors[i]);
  }
  return result;
}

EK_KERNEL int32_t ek_saturating_double(int32_t x, int32_t shift) {
  const int64_t wide = (int64_t)x * ((int64_t)1 << shift);
  if (wide > INT32_MAX) return INT32_MAX;
  return wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

/* 1 / (1 + a) for a in [0, 1], Q0.31 to Q0.31: three Newton steps from 48/17 - 32/17 d. */
EK_NOINLINE int32_t ek_reciprocal_one_plus(int32_t a) {
  const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
  int32_t x = 1515870810 + ek_mul_high(half, -1010580540);
  for (int32_t step = 0; step < 3; ++step) {
    const int32_t error = (1 << 29) - ek_mul_high(half, x);
    x += ek_saturating_double(ek_mul_high(x, error), 2);
  }
  return ek_saturating_double(x, 1);
}

EK_KERNEL int32_t ek_softmax_exp(const ek_softmax_params *p, int32_t diff) {
  const int32_t shifted = (int32_t)((uint32_t)diff << p->left_shift);
  return ek_exp_negative(ek_mul_high(shifted, p->multiplier));
}

EK_KERNEL void ek_softmax_row(const ek_softmax_params *p, const int8_t *in, int8_t *out) {
  int32_t top = -128;
  int32_t sum = 0; /* Q12.19 */
  int32_t above_one = 0;
  for (int32_t c = 0; c < p->depth; ++c) top = ek_max(top, in[c]);
  for (int32_t c = 0; c < p->depth; ++c) {
    if (in[c] - top < p->diff_min) continue;
    sum += ek_min(ek_shift_right(ek_softmax_exp(p, in[c] - top), 12), INT32_MAX - sum);
  }
  while (((uint32_t)sum << above_one) < 0x80000000u) ++above_one; /* leading zeros; sum >= 1 */
  const int32_t fraction = (int32_t)(((uint32_t)sum << above_one) - 0x80000000u);
  const int32_t scale = ek_reciprocal_one_plus(fraction);
  const int32_t exponent = 12 - above_one + 31 - 8;
  if (exponent > 31) { /* 512 equals or more share the row: TFLM aborts, each rounds to nothing */
    memset(out, -128, (size_t)p->depth);
    return;
  }
  for (int32_t c = 0; c < p->depth; ++c) {
    const int32_t diff = in[c] - top;
    int32_t value = -128;
    if (diff >= p->diff_min) {
      value += ek_shift_right(ek_mul_high(scale, ek_softmax_exp(p, diff)), exponent);
    }
    out[c] = (int8_t)ek_clamp(value, -128, 127);
  }
}

EK_KERNEL void ek_softmax(const ek_softmax_params *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->rows; ++row) {
    ek_softmax_row(p, in + row * p->depth, out + row * p->depth);
  }
}

#endif
