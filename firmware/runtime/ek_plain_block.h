/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of convolutions for cores with plain products: all inputs of four pixels times one
 * channel.
 *
 * `x`: four words of -128 times the sum of a pixel's inputs, then [input][4 pixels] words. Weights
 * are bytes with 128 added, which a Thumb-1 core loads in one instruction; the first four words
 * make up for it. Outputs of pixels 0..3 lie at out + 0, step, skip and skip + step: with step or
 * skip 0 fewer than four pixels are written, some of them twice.
 */
#ifndef EK_PLAIN_BLOCK_H
#define EK_PLAIN_BLOCK_H

#include "ek_plain.h"
#include "ek_plain_words.h"

typedef struct {
  int32_t inputs;   /* at least 1 */
  int32_t channels; /* at least 1 */
  int32_t step, skip;
} ek_plain_shape;

/* The twin. */
EK_NOINLINE void ek_plain_block_c(const int32_t *x, const uint8_t *weights,
                                  const ek_stepped *records, int8_t *out, const ek_plain_shape *s) {
  for (int32_t c = 0; c < s->channels; ++c, ++out, weights += s->inputs) {
    for (int32_t px = 0; px < 4; ++px) {
      uint32_t sum = (uint32_t)x[px] + (uint32_t)records[c].start;
      for (int32_t k = 0; k < s->inputs; ++k) sum += (uint32_t)x[4 * k + 4 + px] * weights[k];
      out[(px & 1) * s->step + (px >> 1) * s->skip] = ek_step((int32_t)sum, records + c);
    }
  }
}

#ifdef EK_THUMB
/* Register plan: r8-r11 sums of the pixels, r0 x, r1 weights, r3 a weight, r4-r7 inputs, r12 end of
 * x; afterwards those of EK_STEP, r3 where outputs go. On the stack: 0 x, 4 record, 8 where to
 * enter the unrolled inputs, 12 how many of them are left out, 16 channels left, 20 out, 24 step,
 * 28 skip, 32 end of x. An input is ten instructions for four products, 20 bytes. */
#define EK_PLAIN_INPUT(i) "ldrb r3, [r1, #" #i "]\nldmia r0!, {r4-r7}\n" EK_MACS
#define EK_PLAIN_BLOCK_BODY(STEP, RECORD)                                                                                                                      \
  __asm volatile(EK_PLAIN_OPEN(                                                                                                                                \
      36) "str r0, [sp]\nstr r2, [sp, #4]\nstr r3, [sp, #20]\nldr r3, [sp, #72]\n"                                                                             \
          "ldmia r3!, {r4-r7}\nstr r5, [sp, #16]\nstr r6, [sp, #24]\nstr r7, [sp, #28]\n"                                                                      \
          "rsbs r5, r4, #0\nmovs r6, #7\nands r5, r6\nstr r5, [sp, #12]\n"                                                                                     \
          "movs r6, #20\nmuls r5, r6\nadr r6, 2f\nadds r5, r6\nadds r5, #1\nstr r5, [sp, #8]\n"                                                                \
          "adds r0, #16\nlsls r4, r4, #4\nadds r0, r4\nstr r0, [sp, #32]\n"                                                                                    \
          "1: ldr r0, [sp]\nldmia r0!, {r4-r7}\nldr r3, [sp, #4]\nldr r2, [r3]\n"                                                                              \
          "adds r4, r2\nadds r5, r2\nadds r6, r2\nadds r7, r2\n"                                                                                               \
          "mov r8, r4\nmov r9, r5\nmov r10, r6\nmov r11, r7\n"                                                                                                 \
          "ldr r2, [sp, #32]\nmov r12, r2\nldr r2, [sp, #12]\nsubs r1, r2\nldr r2, [sp, #8]\n"                                                                 \
          "bx r2\n.balign 4\n"                                                                                                                                 \
          "2:\n" EK_PLAIN_INPUT(0) EK_PLAIN_INPUT(1) EK_PLAIN_INPUT(2) EK_PLAIN_INPUT(3) EK_PLAIN_INPUT(4) EK_PLAIN_INPUT(5) EK_PLAIN_INPUT(6) EK_PLAIN_INPUT( \
              7) "adds r1, #8\ncmp r0, r12\nbne 2b\n"                                                                                                          \
                 "ldr r3, [sp, #4]\n" RECORD                                                                                                                   \
                 "str r3, [sp, #4]\nldr r3, [sp, #20]\n"                                                                                                       \
                 "mov r0, r8\n" STEP                                                                                                                           \
                 "strb r0, [r3]\n"                                                                                                                             \
                 "mov r0, r9\n" STEP                                                                                                                           \
                 "ldr r2, [sp, #24]\nstrb r0, [r3, r2]\n"                                                                                                      \
                 "mov r0, r10\n" STEP                                                                                                                          \
                 "ldr r2, [sp, #28]\nadds r3, r2\nstrb r0, [r3]\n"                                                                                             \
                 "mov r0, r11\n" STEP                                                                                                                          \
                 "ldr r2, [sp, #24]\nstrb r0, [r3, r2]\n"                                                                                                      \
                 "ldr r3, [sp, #20]\nadds r3, #1\nstr r3, [sp, #20]\n"                                                                                         \
                 "ldr r2, [sp, #16]\nsubs r2, #1\nstr r2, [sp, #16]\nbeq 4f\nb 1b\n"                                                                           \
                 "4:\n" EK_PLAIN_CLOSE(36))

EK_NAKED void ek_plain_block_up(const int32_t *x EK_UNUSED, const uint8_t *weights EK_UNUSED,
                                const ek_stepped *records EK_UNUSED, int8_t *out EK_UNUSED,
                                const ek_plain_shape *s EK_UNUSED) {
  EK_PLAIN_BLOCK_BODY(EK_STEP_UP, EK_RECORD_UP);
}
EK_NAKED void ek_plain_block_away(const int32_t *x EK_UNUSED, const uint8_t *weights EK_UNUSED,
                                  const ek_stepped *records EK_UNUSED, int8_t *out EK_UNUSED,
                                  const ek_plain_shape *s EK_UNUSED) {
  EK_PLAIN_BLOCK_BODY(EK_STEP_AWAY, EK_RECORD_AWAY);
}
#endif

#ifdef EK_RV32
EK_OPTIMIZED void ek_plain_block_rv32(const int32_t *x, const uint8_t *weights,
                                      const ek_stepped *records, int8_t *out,
                                      const ek_plain_shape *s) {
  const int32_t fours = s->channels / 4;
  for (int32_t i = 0; i < fours; ++i, weights += 4 * s->inputs) {
    uint32_t words[16];
    ek_plain_words_rv32((const uint32_t *)x + 4, weights, s->inputs, words);
    for (int32_t c = 0; c < 4; ++c, ++out, ++records) {
      const ek_stepped r = *records;
      for (int32_t px = 0; px < 4; ++px) {
        const uint32_t sum = words[4 * c + px] + (uint32_t)r.start + (uint32_t)x[px];
        out[(px & 1) * s->step + (px >> 1) * s->skip] = ek_step((int32_t)sum, &r);
      }
    }
  }
  ek_plain_shape rest = *s;
  rest.channels = s->channels % 4;
  ek_plain_block_c(x, weights, records, out, &rest);
}
#endif

typedef void (*ek_plain_block_fn)(const int32_t *, const uint8_t *, const ek_stepped *, int8_t *,
                                  const ek_plain_shape *);

/* `away` is a constant at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_plain_block_fn ek_plain_block_for(int32_t away) {
#ifdef EK_THUMB
  return away ? ek_plain_block_away : ek_plain_block_up;
#elif defined(EK_RV32)
  (void)away;
  return ek_plain_block_rv32;
#else
  (void)away;
  return ek_plain_block_c;
#endif
}

/* Bytes of one pixel to words at every fourth place; their sum. */
EK_NOINLINE int32_t ek_plain_expand_c(int32_t *to, const int8_t *from, int32_t bytes) {
  int32_t sum = 0;
  for (int32_t i = 0; i < bytes; ++i) {
    to[4 * i] = from[i];
    sum += from[i];
  }
  return sum;
}

#ifdef EK_THUMB
/* Register plan: r0 to, r1 from, r2 bytes left, r3 a byte, r4 their sum. */
#define EK_PLAIN_BYTE(i, at) \
  "ldrb r3, [r1, #" #i "]\nsxtb r3, r3\nstr r3, [r0, #" #at "]\nadds r4, r3\n"
EK_NAKED int32_t ek_plain_expand_asm(int32_t *to EK_UNUSED, const int8_t *from EK_UNUSED,
                                     int32_t bytes EK_UNUSED) {
  __asm volatile(
      ".syntax unified\n"
      "push {r4, lr}\nmovs r4, #0\nsubs r2, #4\nblt 2f\n"
      "1:\n" EK_PLAIN_BYTE(0, 0) EK_PLAIN_BYTE(1, 16) EK_PLAIN_BYTE(2, 32) EK_PLAIN_BYTE(3, 48)
      "adds r0, #64\nadds r1, #4\nsubs r2, #4\nbge 1b\n"
      "2: adds r2, #4\nbeq 4f\n"
      "3:\n" EK_PLAIN_BYTE(0, 0) "adds r0, #16\nadds r1, #1\nsubs r2, #1\nbne 3b\n"
      "4: movs r0, r4\npop {r4, pc}\n");
}
#endif

EK_KERNEL int32_t ek_plain_expand(int32_t *to, const int8_t *from, int32_t bytes) {
#ifdef EK_THUMB
  return ek_plain_expand_asm(to, from, bytes);
#else
  return ek_plain_expand_c(to, from, bytes);
#endif
}

/* All channels of up to four pixels (`count`): of 3 the middle one is done twice, of 2 both, of 1
 * all four. */
EK_KERNEL int32_t ek_plain_pixel_of(int32_t place, int32_t count) {
  return (place & 1) * ek_min(count - 1, 1) + (place >> 1) * ek_max(count - 2, 0);
}

#endif
