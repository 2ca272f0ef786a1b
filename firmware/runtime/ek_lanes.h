/* SPDX-License-Identifier: Apache-2.0 */
/* What the packed kernels share: 16-bit lanes, the pair trick, exact narrowing in few steps.
 *
 * A word holds two int16 lanes; lane 0 is the lower half. A weight word holds, per lane, 256 * a +
 * b for the weights a and b of two output channels: multiplied by the inputs of its lanes it adds
 * 256 * dot_a + dot_b, and its lower bytes alone (sign extended) add dot_b. The difference gives
 * dot_a exactly as long as |dot_a| < 2^23, which the generator proves.
 *
 * Every kernel has a twin in C. Where the core has the DSP extension (EK_DSP), assembly with a
 * fixed register plan runs in its place, so that speed does not hang on the compiler.
 */
#ifndef EK_LANES_H
#define EK_LANES_H

#include "ek_kernel.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__GNUC__) && \
    !defined(EK_PORTABLE) /* EK_PORTABLE runs the twins */
#define EK_DSP 1
/* A function in assembly, called by the rules of the Arm procedure call standard. */
#define EK_NAKED EK_OPAQUE static __attribute__((naked, noinline, unused, aligned(4)))
#define EK_UNUSED __attribute__((unused))
/* Values that do not fit into registers are parked in s0-s15, which a call need not preserve: a
 * move takes one cycle, a load two. Without a floating-point unit they go to the stack. */
#if defined(__ARM_FP)
#define EK_OPEN ""
#define EK_CLOSE ""
#define EK_PARK(n, r) "vmov s" #n ", " #r "\n"
#define EK_FETCH(r, n) "vmov " #r ", s" #n "\n"
#define EK_FETCH2(r, q, n, m) "vmov " #r ", " #q ", s" #n ", s" #m "\n"
#else
#define EK_OPEN "sub sp, #64\n"
#define EK_CLOSE "add sp, #64\n"
#define EK_PARK(n, r) "str " #r ", [sp, #4*" #n "]\n"
#define EK_FETCH(r, n) "ldr " #r ", [sp, #4*" #n "]\n"
#define EK_FETCH2(r, q, n, m) "ldrd " #r ", " #q ", [sp, #4*" #n "]\n"
#endif

#define EK_STRING_(x) #x
#define EK_STRING(x) EK_STRING_(x)

/* 256 * a + b and b to a and b; then four accumulators to int8, AWAY being the correction. */
#define EK_SPLIT(h, l) "sub " #h ", " #h ", " #l "\nasr " #h ", " #h ", #8\n"
#define EK_NARROW_4(AWAY, a, b, c, d, high, scale, zero)               \
  "smmlar " #a ", " #a ", " #high ", " #a                              \
  "\n"                                                                 \
  "smmlar " #b ", " #b ", " #high ", " #b                              \
  "\n"                                                                 \
  "smmlar " #c ", " #c ", " #high ", " #c                              \
  "\n"                                                                 \
  "smmlar " #d ", " #d ", " #high ", " #d "\n" AWAY(a) AWAY(b) AWAY(c) \
      AWAY(d) "smmlar " #a ", " #a ", " #scale ", " #zero              \
              "\n"                                                     \
              "smmlar " #b ", " #b ", " #scale ", " #zero              \
              "\n"                                                     \
              "smmlar " #c ", " #c ", " #scale ", " #zero              \
              "\n"                                                     \
              "smmlar " #d ", " #d ", " #scale ", " #zero              \
              "\n"                                                     \
              "ssat " #a ", #8, " #a "\nssat " #b ", #8, " #b          \
              "\n"                                                     \
              "ssat " #c ", #8, " #c "\nssat " #d ", #8, " #d "\n"
#define EK_AWAY(r) "add " #r ", " #r ", " #r ", asr #31\n"
#define EK_UP(r)
#endif

/* How accumulators of a layer become int8. */
typedef struct {
  int32_t zero_point; /* of the output */
  int32_t away;       /* 1: results below zero count, so halves must go away from zero */
} ek_narrowing;

EK_KERNEL int32_t ek_lane0(int32_t word) {
  return (int16_t)(word & 0xFFFF);
}
EK_KERNEL int32_t ek_lane1(int32_t word) {
  return (int16_t)((uint32_t)word >> 16);
}
EK_KERNEL int32_t ek_pair(int32_t lane0, int32_t lane1) {
  return (int32_t)(((uint32_t)lane1 << 16) | ((uint32_t)lane0 & 0xFFFFu));
}
/* Sums wrap, as the instruction's do. */
EK_KERNEL int32_t ek_add_wrap(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}
/* SMLAD: acc + both products of equal lanes. */
EK_KERNEL int32_t ek_smlad(int32_t a, int32_t b, int32_t acc) {
  const int32_t low = ek_lane0(a) * ek_lane0(b);
  return ek_add_wrap(acc, ek_add_wrap(low, ek_lane1(a) * ek_lane1(b)));
}
/* SXTB16: bytes 0 and 2, sign extended. */
EK_KERNEL int32_t ek_low_bytes(int32_t word) {
#ifdef EK_DSP
  int32_t lanes;
  __asm("sxtb16 %0, %1" : "=r"(lanes) : "r"(word));
  return lanes;
#else
  return ek_pair((int8_t)(word & 0xFF), (int8_t)((uint32_t)word >> 16 & 0xFF));
#endif
}
/* SMMLAR: acc + a * b / 2^32, rounded half up. */
EK_KERNEL int32_t ek_mul_add_high(int32_t a, int32_t b, int32_t acc) {
  return (int32_t)(((int64_t)a * b + (int64_t)acc * ((int64_t)1 << 32) + 0x80000000ll) >> 32);
}

/* `high` is 2 * multiplier - 2^32 and `scale` 2^(32 - e) for the exponent e of 2..31: the first
 * step is the doubling multiplication rounded as in the reference (x + x * high / 2^32), the second
 * the rounding shift with the zero point added. The second rounds halves up, not away from zero:
 * for negative x the correction of -1 makes up for it. */
EK_KERNEL int8_t ek_narrow(int32_t x, int32_t high, int32_t scale, const ek_narrowing *n) {
  int32_t r = ek_mul_add_high(x, high, x);
  if (n->away && r < 0) r -= 1;
  return (int8_t)ek_clamp(ek_mul_add_high(r, scale, n->zero_point), -128, 127);
}

#endif
