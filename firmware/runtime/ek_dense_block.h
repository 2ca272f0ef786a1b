/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of convolutions: many inputs of four pixels times channel pairs.
 *
 * `x`: [pair of inputs][4 pixels] words of two lanes. `stream`, per pair of output channels a, b:
 * 256 * bias_a + bias_b, bias_b, a weight word per pair of inputs (ek_lanes.h), then high_a,
 * scale_a, high_b, scale_b (ek_narrow). Outputs of pixels 0..3 lie at out + 0, step, skip and
 * skip + step: with step or skip 0 fewer than four pixels are written, some of them twice.
 */
#ifndef EK_DENSE_BLOCK_H
#define EK_DENSE_BLOCK_H

#include "ek_lanes.h"

typedef struct {
  int32_t inputs;   /* pairs of inputs, at least 1 */
  int32_t channels; /* pairs of output channels, at least 1 */
  int32_t step, skip;
  ek_narrowing narrowing;
} ek_dense_shape;

/* The twin; returns the end of the stream that it read. */
EK_NOINLINE const int32_t *ek_dense_block_c(const int32_t *x, const int32_t *stream, int8_t *out,
                                            const ek_dense_shape *s) {
  for (int32_t c = 0; c < s->channels; ++c, out += 2) {
    const int32_t *post = stream + 2 + s->inputs;
    for (int32_t px = 0; px < 4; ++px) {
      int8_t *to = out + (px & 1) * s->step + (px >> 1) * s->skip;
      int32_t both = stream[0], b = stream[1];
      for (int32_t k = 0; k < s->inputs; ++k) {
        both = ek_smlad(stream[2 + k], x[4 * k + px], both);
        b = ek_smlad(ek_low_bytes(stream[2 + k]), x[4 * k + px], b);
      }
      const int32_t a = ek_add_wrap(both, (int32_t)(0u - (uint32_t)b)) >> 8;
      to[0] = ek_narrow(a, post[0], post[1], &s->narrowing);
      to[1] = ek_narrow(b, post[2], post[3], &s->narrowing);
    }
    stream = post + 4;
  }
  return stream;
}

#ifdef EK_DSP
/* Register plan: r4 r6 r8 r10 256 * a + b of pixels 0..3, r5 r7 r9 r11 b; r0 x, r1 stream, r2 r3
 * inputs, r12 weights, lr their lower bytes. Parked: s0 x, s1 where to enter the unrolled steps,
 * s2 out, s3 step - 2, s4 skip - 2, s5 zero point, s6 end of x, s7 end of the stream.
 * A step is 12 instructions for 16 products, 48 bytes. The first one takes what sums start from out
 * of r10 and r11, which it writes last. */
#define EK_DENSE_PRODUCTS(a, b, c, d, e, f, g, h) \
  "smlad r4, r12, r2, " a                         \
  "\n"                                            \
  "smlad r6, r12, r3, " b                         \
  "\n"                                            \
  "smlad r5, lr, r2, " c                          \
  "\n"                                            \
  "smlad r7, lr, r3, " d                          \
  "\n"                                            \
  "ldrd r2, r3, [r0], #8\n"                       \
  "smlad r8, r12, r2, " e                         \
  "\n"                                            \
  "smlad r10, r12, r3, " f                        \
  "\n"                                            \
  "smlad r9, lr, r2, " g                          \
  "\n"                                            \
  "smlad r11, lr, r3, " h "\n"
#define EK_DENSE_FIRST EK_DENSE_PRODUCTS("r10", "r10", "r11", "r11", "r10", "r10", "r11", "r11")
#define EK_DENSE_NEXT EK_DENSE_PRODUCTS("r4", "r6", "r5", "r7", "r8", "r10", "r9", "r11")
#define EK_DENSE_STEP "ldr r12, [r1], #4\nldrd r2, r3, [r0], #8\nsxtb16 lr, r12\n" EK_DENSE_NEXT
#define EK_DENSE_4(STEP) STEP STEP STEP STEP
/* With the shape's step in r6 and skip in r7: where the finish finds them. */
#define EK_DENSE_PLACES "subs r6, #2\nsubs r7, #2\n" EK_PARK(3, r6) EK_PARK(4, r7)
#define EK_DENSE_SPLIT EK_SPLIT(r4, r5) EK_SPLIT(r6, r7) EK_SPLIT(r8, r9) EK_SPLIT(r10, r11)
/* From accumulators r4-r11 to eight bytes: s2 out, s3 step - 2, s4 skip - 2, s5 zero point. */
#define EK_DENSE_FINISH(AWAY, SPLIT) \
  "ldmia r1!, {r0, r2, r3, r12}\n" EK_FETCH(lr, 5) SPLIT                                \
  EK_NARROW_4(AWAY, r4, r6, r8, r10, r0, r2, lr)                                        \
  EK_NARROW_4(AWAY, r5, r7, r9, r11, r3, r12, lr)                                       \
  EK_FETCH2(r0, r2, 2, 3) EK_FETCH(r3, 4)                                               \
  "bfi r4, r5, #8, #8\nbfi r6, r7, #8, #8\nbfi r8, r9, #8, #8\nbfi r10, r11, #8, #8\n"  \
  "strh r4, [r0], #2\nadd r3, r0\nstrh r6, [r0, r2]\n"                                  \
  "strh r8, [r3], #2\nstrh r10, [r3, r2]\n" EK_PARK(2, r0)

/* LENGTH turns pairs of inputs in r4 to words of the stream in r9, BYTES are those of a STEP. */
#define EK_DENSE_BODY(AWAY, LENGTH, FIRST, STEP, BYTES, SPLIT) \
  __asm volatile(                                                                        \
      "push {r4-r11, lr}\n" EK_OPEN                                                      \
      "ldmia r3, {r4, r5, r6, r7, r8}\n" EK_PARK(0, r0) EK_PARK(2, r2) EK_DENSE_PLACES   \
      EK_PARK(5, r8)                                                                     \
      "add r6, r0, r4, lsl #4\n" EK_PARK(6, r6)                                          \
      LENGTH "adds r9, #6\nmul r9, r9, r5\nadd r9, r1, r9, lsl #2\n" EK_PARK(7, r9)      \
      "subs r4, #1\n"                                                                    \
      "rsb r5, r4, #0\n"                                                                 \
      "and r5, r5, #15\n"                                                                \
      "it eq\nmoveq r5, #16\n"                                                           \
      "adr r6, 2f\nmov r7, #" BYTES "\nmla r6, r5, r7, r6\n"                             \
      "orr r6, r6, #1\n" EK_PARK(1, r6)                                                  \
      "1:\n" EK_FETCH(r0, 0) FIRST EK_DENSE_FIRST EK_FETCH(r12, 1)                       \
      "bx r12\n"                                                                         \
      ".balign 4\n"                                                                      \
      "2:\n" EK_DENSE_4(STEP) EK_DENSE_4(STEP) EK_DENSE_4(STEP) EK_DENSE_4(STEP)         \
      EK_FETCH(r12, 6) "cmp r0, r12\nbne 2b\n" EK_DENSE_FINISH(AWAY, SPLIT)              \
      EK_FETCH(r12, 7) "cmp r1, r12\nbne 1b\n"                                           \
      "mov r0, r1\n" EK_CLOSE "pop {r4-r11, pc}\n")
#define EK_DENSE_FUNCTION(name, ...)                                                        \
  EK_NAKED const int32_t *name(const int32_t *x EK_UNUSED, const int32_t *stream EK_UNUSED, \
                               int8_t *out EK_UNUSED, const ek_dense_shape *s EK_UNUSED) {  \
    EK_DENSE_BODY(__VA_ARGS__);                                                             \
  }
#define EK_PAIRED(AWAY)                                                                        \
  AWAY, "mov r9, r4\n", "ldmia r1!, {r10, r11, r12}\nldrd r2, r3, [r0], #8\nsxtb16 lr, r12\n", \
      EK_DENSE_STEP, "48", EK_DENSE_SPLIT
EK_DENSE_FUNCTION(ek_dense_block_up, EK_PAIRED(EK_UP))
EK_DENSE_FUNCTION(ek_dense_block_away, EK_PAIRED(EK_AWAY))
#endif

typedef const int32_t *(*ek_dense_block_fn)(const int32_t *, const int32_t *, int8_t *,
                                            const ek_dense_shape *);

/* `away` is a constant at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_dense_block_fn ek_dense_block_for(int32_t away) {
#ifdef EK_DSP
  return away ? ek_dense_block_away : ek_dense_block_up;
#else
  (void)away;
  return ek_dense_block_c;
#endif
}

#endif
