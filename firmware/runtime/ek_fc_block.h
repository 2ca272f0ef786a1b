/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of FULLY_CONNECTED on one row: eight output channels at a time.
 *
 * `x`: words of two lanes, an even number. `stream`, per eight channels (pairs 0..3 of a, b):
 * 256 * bias_a + bias_b and bias_b of each pair; per two words of inputs k, k + 1 the weight words
 * of pairs 0 1 2 3 for k, then for k + 1; then high_a, scale_a, high_b, scale_b of each pair, which
 * the blocks called "one" have from the shape, the same for all channels.
 */
#ifndef EK_FC_BLOCK_H
#define EK_FC_BLOCK_H

#include "ek_lanes.h"

typedef struct {
  int32_t inputs; /* words of inputs, even */
  int32_t groups; /* of eight channels, at least 1 */
  ek_narrowing narrowing;
  int32_t high, scale; /* of all channels, for the blocks called "one" */
} ek_fc_shape;

/* The twins; they return the end of the stream that they read. */
EK_KERNEL const int32_t *ek_fc_twin(const int32_t *x, const int32_t *stream, int8_t *out,
                                    const ek_fc_shape *s, int32_t one) {
  const int32_t shared[4] = {s->high, s->scale, s->high, s->scale};
  for (int32_t g = 0; g < s->groups; ++g) {
    const int32_t *weights = stream + 8;
    const int32_t *post = weights + 4 * s->inputs;
    for (int32_t pair = 0; pair < 4; ++pair, out += 2) {
      int32_t both = stream[2 * pair], b = stream[2 * pair + 1];
      for (int32_t k = 0; k < s->inputs; ++k) {
        both = ek_smlad(weights[4 * k + pair], x[k], both);
        b = ek_smlad(ek_low_bytes(weights[4 * k + pair]), x[k], b);
      }
      const int32_t a = ek_add_wrap(both, (int32_t)(0u - (uint32_t)b)) >> 8;
      const int32_t *own = one ? shared : post + 4 * pair;
      out[0] = ek_narrow(a, own[0], own[1], &s->narrowing);
      out[1] = ek_narrow(b, own[2], own[3], &s->narrowing);
    }
    stream = one ? post : post + 16;
  }
  return stream;
}
EK_NOINLINE const int32_t *ek_fc_block_c(const int32_t *x, const int32_t *stream, int8_t *out,
                                         const ek_fc_shape *s) {
  return ek_fc_twin(x, stream, out, s, 0);
}
EK_NOINLINE const int32_t *ek_fc_one_c(const int32_t *x, const int32_t *stream, int8_t *out,
                                       const ek_fc_shape *s) {
  return ek_fc_twin(x, stream, out, s, 1);
}

#ifdef EK_DSP
/* Register plan: r4 r6 r8 r10 256 * a + b of pairs 0..3, r5 r7 r9 r11 b; r0 x, r1 stream, r2 r3
 * inputs, r12 lr weights of two pairs and then their lower bytes. Parked: s0 x, s1 where to enter
 * the unrolled steps, s2 out, s4 groups left, s5 zero point, s6 end of x, s8 high, s9 scale.
 * A step is 29 instructions for 32 products, 116 bytes. */
#define EK_FC_HALF(x, h0, l0, h1, l1) \
  "ldrd r12, lr, [r1], #8\n"          \
  "smlad " #h0 ", r12, " #x ", " #h0  \
  "\n"                                \
  "smlad " #h1 ", lr, " #x ", " #h1   \
  "\n"                                \
  "sxtb16 r12, r12\n"                 \
  "sxtb16 lr, lr\n"                   \
  "smlad " #l0 ", r12, " #x ", " #l0  \
  "\n"                                \
  "smlad " #l1 ", lr, " #x ", " #l1 "\n"
#define EK_FC_STEP                                                                          \
  "ldrd r2, r3, [r0], #8\n" EK_FC_HALF(r2, r4, r5, r6, r7) EK_FC_HALF(r2, r8, r9, r10, r11) \
      EK_FC_HALF(r3, r4, r5, r6, r7) EK_FC_HALF(r3, r8, r9, r10, r11)
#define EK_FC_UNROLL 4
#define EK_FC_NARROW(AWAY, a, b)                                                   \
  "ldmia r1!, {r0, r2, r3, r12}\n"                                                 \
  "smmlar " #a ", " #a ", r0, " #a "\nsmmlar " #b ", " #b ", r3, " #b "\n" AWAY(a) \
      AWAY(b) "smmlar " #a ", " #a ", r2, lr\nsmmlar " #b ", " #b                  \
              ", r12, lr\n"                                                        \
              "ssat " #a ", #8, " #a "\nssat " #b ", #8, " #b "\nbfi " #a ", " #b ", #8, #8\n"
#define EK_FC_OWN(AWAY)      \
  EK_FC_NARROW(AWAY, r4, r5) \
  EK_FC_NARROW(AWAY, r6, r7) EK_FC_NARROW(AWAY, r8, r9) EK_FC_NARROW(AWAY, r10, r11)
#define EK_FC_ONE(AWAY)                          \
  EK_FETCH2(r2, r3, 8, 9)                        \
  EK_NARROW_4(AWAY, r4, r6, r8, r10, r2, r3, lr) \
  EK_NARROW_4(AWAY, r5, r7, r9, r11, r2, r3, lr) \
  "bfi r4, r5, #8, #8\nbfi r6, r7, #8, #8\nbfi r8, r9, #8, #8\nbfi r10, r11, #8, #8\n"

#define EK_FC_BODY(FINISH) \
  __asm volatile(                                                                      \
      "push {r4-r11, lr}\n" EK_OPEN "ldmia r3, {r4-r9}\n" EK_PARK(0, r0)               \
      EK_PARK(2, r2) EK_PARK(4, r5) EK_PARK(5, r6) EK_PARK(8, r8) EK_PARK(9, r9)       \
      "add r6, r0, r4, lsl #2\n" EK_PARK(6, r6)                                        \
      "rsb r4, r4, #0\n"                                                               \
      "and r4, r4, #2*" EK_STRING(EK_FC_UNROLL) "-2\n"                                 \
      "adr r5, 2f\n"                                                                   \
      "mov r6, #58\n" /* half of a step: r4 counts words, two a step */                \
      "mla r5, r4, r6, r5\n"                                                           \
      "orr r5, r5, #1\n" EK_PARK(1, r5)                                                \
      "1:\n" EK_FETCH2(r0, r12, 0, 1)                                                  \
      "ldmia r1!, {r4-r11}\nbx r12\n"                                                  \
      ".balign 4\n"                                                                    \
      "2:\n" EK_FC_STEP EK_FC_STEP EK_FC_STEP EK_FC_STEP EK_FETCH(r12, 6)              \
      "cmp r0, r12\nbne 2b\n" EK_FETCH(lr, 5)                                          \
      EK_SPLIT(r4, r5) EK_SPLIT(r6, r7) EK_SPLIT(r8, r9) EK_SPLIT(r10, r11)            \
      FINISH EK_FETCH(r12, 2) EK_FETCH(lr, 4)                                          \
      "pkhbt r4, r4, r6, lsl #16\npkhbt r8, r8, r10, lsl #16\n"                        \
      "str r4, [r12], #4\nstr r8, [r12], #4\n"                                         \
      "subs lr, #1\n" EK_PARK(2, r12) EK_PARK(4, lr) "bne 1b\n"                        \
      "mov r0, r1\n" EK_CLOSE "pop {r4-r11, pc}\n")

#define EK_FC_FUNCTION(name, FINISH)                                                        \
  EK_NAKED const int32_t *name(const int32_t *x EK_UNUSED, const int32_t *stream EK_UNUSED, \
                               int8_t *out EK_UNUSED, const ek_fc_shape *s EK_UNUSED) {     \
    EK_FC_BODY(FINISH);                                                                     \
  }
EK_FC_FUNCTION(ek_fc_block_up, EK_FC_OWN(EK_UP))
EK_FC_FUNCTION(ek_fc_block_away, EK_FC_OWN(EK_AWAY))
EK_FC_FUNCTION(ek_fc_one_up, EK_FC_ONE(EK_UP))
EK_FC_FUNCTION(ek_fc_one_away, EK_FC_ONE(EK_AWAY))
#endif

typedef const int32_t *(*ek_fc_block_fn)(const int32_t *, const int32_t *, int8_t *,
                                         const ek_fc_shape *);

/* `away` and `one` are constants at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_fc_block_fn ek_fc_block_for(int32_t away, int32_t one) {
#ifdef EK_DSP
  if (one) return away ? ek_fc_one_away : ek_fc_one_up;
  return away ? ek_fc_block_away : ek_fc_block_up;
#else
  (void)away;
  return one ? ek_fc_one_c : ek_fc_block_c;
#endif
}

#endif
