/* SPDX-License-Identifier: Apache-2.0 */
/* Logistic and tanh on int16, interpolated in one table: both are the logistic function.
 *
 * `half` holds the logistic function of i / 24 less 1/2 in 1/65536 steps, i = 0..255. Roundings are
 * those of TFLM's int16 kernels.
 */
#ifndef EK_CURVE16_H
#define EK_CURVE16_H

#include "ek_kernel.h"

/* The curve at |x| / 2^bits steps of the table, times 2^bits; `top` beyond its last. */
EK_KERNEL int32_t ek_curve16(const int16_t *half, int32_t x, int32_t bits, int32_t top) {
  const int32_t size = x < 0 ? -x : x;
  const int32_t step = size >> bits;
  if (step >= 255) return top;
  const int32_t before = half[step] + 32768;
  return before * ((int32_t)1 << bits) +
         (size & (((int32_t)1 << bits) - 1)) * (half[step + 1] - half[step]);
}

/* 1 / (1 + exp(-x)) of x in 1/4096 steps, to 1/32768 steps. */
EK_KERNEL int32_t ek_logistic16(const int16_t *half, int32_t x) {
  const int32_t value = ek_curve16(half, 3 * x, 9, 32767 * 1024);
  return (x >= 0 ? value + 512 : (1 << 25) - value + 511) >> 10;
}

/* tanh(x) to 1/32768 steps; `x` already in thirds of 1/4096. */
EK_KERNEL int32_t ek_tanh16(const int16_t *half, int32_t x) {
  const int32_t value = ek_curve16(half, x, 8, 65535 * 256) - (1 << 23);
  return (x >= 0 ? value + 128 : 127 - value) >> 8;
}

#endif
