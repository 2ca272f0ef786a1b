/* SPDX-License-Identifier: Apache-2.0 */
/* LOG_SOFTMAX: int8 to int8 (scale 1/16, zero point 127) over the last axis.
 *
 * "Qi.f" as in ek_softmax.h. The logarithm's terms and the order of roundings are those of TFLM's
 * int8 LogSoftmax, without which the last bit would differ.
 */
#ifndef EK_LOG_SOFTMAX_H
#define EK_LOG_SOFTMAX_H

#include "ek_softmax.h"

/* `back_multiplier` and `back_shift` bring Q5.26 to steps of the input. */
typedef struct {
  int32_t rows, depth, multiplier, left_shift, diff_min, back_multiplier, back_shift;
} ek_log_softmax_params;

EK_KERNEL int32_t ek_leading_zeros(int32_t x) {
  int32_t count = 0;
  while (count < 32 && !(((uint32_t)x << count) & 0x80000000u)) ++count;
  return count;
}

/* log(x) as a power of 2 in Q6.25 and a rest `r` in Q0.31, sqrt(1/2) to 1: of the two powers on
 * either side of x that which leaves the smaller rest. */
EK_KERNEL int32_t ek_log_power(int32_t x, int32_t *r) {
  const int32_t sqrt_half = 1518500250, quarter = 1 << 23;
  const int32_t zeros = ek_leading_zeros(x);
  const int32_t below = ek_leading_zeros(ek_mul_high(x, sqrt_half)) - 1;
  const int32_t first =
      ek_saturating_double(ek_mul_high(ek_saturating_double(x, zeros - 1), sqrt_half), 1);
  *r = ek_min(first, ek_saturating_double(x, below));
  return ek_max((12 - zeros) * (1 << 25) + quarter, (12 - below) * (1 << 25) - quarter);
}

/* log(x) for x >= 1, Q12.19 to Q5.26: a rational function around 2^(-1/4). */
EK_NOINLINE int32_t ek_log(int32_t x) {
  const int32_t middle = 1805811301, log_2 = 1488522236;
  const int32_t alpha_n = 117049297, alpha_d = 127690142;
  const int32_t alpha_i = 1057819769, alpha_f = 638450708;
  int32_t r;
  const int32_t power = ek_log_power(x, &r);
  const int32_t p = (int32_t)(((int64_t)r + middle + 1) / 2);
  const int32_t q = 2 * (r - middle);
  const int32_t square = ek_mul_high(q, q);
  const int32_t top = ek_mul_high(q, r) + ek_mul_high(ek_mul_high(q, square), alpha_n);
  const int32_t inner = alpha_i + q + ek_mul_high(alpha_d, square);
  const int32_t below = ek_mul_high(p, inner) + ek_mul_high(alpha_f, q);
  const int32_t rest = ek_mul_high(ek_shift_right(top, 6), ek_reciprocal_one_plus(below));
  return ek_saturating_double(ek_mul_high(power, log_2) + rest, 1);
}

EK_KERNEL int32_t ek_log_softmax_diff(const ek_log_softmax_params *p, int32_t diff) {
  return ek_mul_high((int32_t)((uint32_t)diff << p->left_shift), p->multiplier);
}

EK_KERNEL void ek_log_softmax_row(const ek_log_softmax_params *p, const int8_t *in, int8_t *out) {
  int32_t top = -128;
  int32_t sum = 0; /* Q12.19 */
  for (int32_t c = 0; c < p->depth; ++c) top = ek_max(top, in[c]);
  for (int32_t c = 0; c < p->depth; ++c) {
    if (in[c] - top < p->diff_min) continue;
    sum += ek_shift_right(ek_exp_negative(ek_log_softmax_diff(p, in[c] - top)), 12);
  }
  const int32_t log_sum = ek_log(sum);
  const int32_t room = ek_scale(log_sum + INT32_MIN, p->back_multiplier, p->back_shift);
  const int32_t least = ek_max(p->diff_min - 1, room);
  for (int32_t c = 0; c < p->depth; ++c) {
    const int32_t diff = in[c] - top;
    int32_t value = -128;
    if (diff > least) {
      value = ek_shift_right(ek_log_softmax_diff(p, diff) - log_sum, 22) + 127;
    }
    out[c] = (int8_t)ek_clamp(value, -128, 127);
  }
}

EK_KERNEL void ek_log_softmax(const ek_log_softmax_params *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->rows; ++row) {
    ek_log_softmax_row(p, in + row * p->depth, out + row * p->depth);
  }
}

#endif
