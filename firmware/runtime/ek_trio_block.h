/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of convolutions for cores with plain products: all inputs of six pixels, in trios,
 * times one channel.
 *
 * `x`: four words of -128 times the sums of the inputs' words, then [input][4] words: pixels 0-2 as
 * ek_trio.h says, pixels 3-5. Weights are bytes with 128 added, which a Thumb-1 core loads in one
 * instruction; the first four words make up for it.
 */
#ifndef EK_TRIO_BLOCK_H
#define EK_TRIO_BLOCK_H

#include "ek_plain_words.h"
#include "ek_trio.h"

typedef struct {
  int32_t inputs;   /* at least 1 */
  int32_t channels; /* at least 1 */
  int32_t at[6];    /* where the outputs of the pixels lie behind `out`; the first one's is 0 */
} ek_trio_shape;

/* The record is copied: a store of an output could change it, for all that the compiler knows. */
EK_KERNEL void ek_trio_write(const uint32_t *words, const uint32_t *x, const ek_stepped *record,
                             int8_t *out, const ek_trio_shape *s, int32_t away) {
  const ek_stepped r = *record;
  const uint32_t start = (uint32_t)r.start;
  for (int32_t i = 0; i < 2; ++i) {
    int32_t sums[3];
    ek_trio_sums(words[2 * i] + x[2 * i] + start + (start << 21),
                 words[2 * i + 1] + x[2 * i + 1] + start + (start << 10), sums);
    out[s->at[3 * i]] = ek_step_of(sums[0], &r, away);
    out[s->at[3 * i + 1]] = ek_step_of(sums[1], &r, away);
    out[s->at[3 * i + 2]] = ek_step_of(sums[2], &r, away);
  }
}

/* The twin. */
EK_NOINLINE void ek_trio_block_c(const uint32_t *x, const uint8_t *weights,
                                 const ek_stepped *records, int8_t *out, const ek_trio_shape *s) {
  for (int32_t c = 0; c < s->channels; ++c, ++out, weights += s->inputs) {
    uint32_t words[4] = {0, 0, 0, 0};
    for (int32_t k = 0; k < s->inputs; ++k) {
      for (int32_t i = 0; i < 4; ++i) words[i] += x[4 * k + 4 + i] * weights[k];
    }
    ek_trio_write(words, x, records + c, out, s, 1);
  }
}

#ifdef EK_THUMB
/* Register plan: r8-r11 words of sums, r0 x, r1 weights, r3 a weight, r4-r7 inputs, r12 end of x;
 * afterwards those of EK_TRIO_OUT, r3 where outputs go. On the stack: 0 x, 4 record, 8 where to
 * enter the unrolled inputs, 12 how many of them are left out, 16 channels left, 20 out, 24-44
 * places of the outputs, 48 end of x, 52 weights. An input is ten instructions for six products
 * (six on Thumb-2), 20 bytes. */
#define EK_TRIO_INPUT(i) "ldrb r3, [r1, #" #i "]\nldmia r0!, {r4-r7}\n" EK_MACS
#define EK_TRIO_PUT(i) "ldr r2, [sp, #24+4*" #i "]\nstrb r0, [r3, r2]\n"
#define EK_TRIO_STORES "strb r0, [r3]\n", EK_TRIO_PUT, "adds r3, #1\n"
/* STEP narrows a sum in r0 with RECORD's values, FIRST and PUT store it, NEXT moves r3 on. */
#define EK_TRIO_BLOCK(...) EK_TRIO_BLOCK_BODY(__VA_ARGS__)
#define EK_TRIO_BLOCK_BODY(STEP, RECORD, FIRST, PUT, NEXT)                                                                                             \
  __asm volatile(EK_PLAIN_OPEN(                                                                                                                        \
      56) "str r0, [sp]\nstr r2, [sp, #4]\nstr r3, [sp, #20]\nldr r3, [sp, #92]\nmovs r2, r0\n"                                                        \
          "ldmia r3!, {r4, r5}\nstr r5, [sp, #16]\nadd r0, sp, #24\n"                                                                                  \
          "ldmia r3!, {r5-r7}\nstmia r0!, {r5-r7}\nldmia r3!, {r5-r7}\nstmia r0!, {r5-r7}\n"                                                           \
          "rsbs r5, r4, #0\nmovs r6, #7\nands r5, r6\nstr r5, [sp, #12]\n"                                                                             \
          "movs r6, #20\nmuls r5, r6\nadr r6, 2f\nadds r5, r6\nadds r5, #1\nstr r5, [sp, #8]\n"                                                        \
          "adds r2, #16\nlsls r4, r4, #4\nadds r2, r4\nstr r2, [sp, #48]\n"                                                                            \
          "1: ldr r3, [sp, #4]\nldr r2, [r3]\n" EK_TRIO_STARTS                                                                                         \
          "ldr r0, [sp]\nldmia r0!, {r4-r7}\nadds r4, r3\nadds r5, r2\nadds r6, r3\nadds r7, r2\n"                                                     \
          "mov r8, r4\nmov r9, r5\nmov r10, r6\nmov r11, r7\n"                                                                                         \
          "ldr r2, [sp, #48]\nmov r12, r2\nldr r2, [sp, #12]\nsubs r1, r2\nldr r2, [sp, #8]\n"                                                         \
          "bx r2\n.balign 4\n"                                                                                                                         \
          "2:\n" EK_TRIO_INPUT(0) EK_TRIO_INPUT(1) EK_TRIO_INPUT(2) EK_TRIO_INPUT(3) EK_TRIO_INPUT(4) EK_TRIO_INPUT(5) EK_TRIO_INPUT(6) EK_TRIO_INPUT( \
              7) "adds r1, #8\ncmp r0, r12\nbne 2b\n"                                                                                                  \
                 "str r1, [sp, #52]\nldr r3, [sp, #4]\n" RECORD                                                                                        \
                 "str r3, [sp, #4]\nldr r3, [sp, #20]\n" EK_TRIO_OUT(STEP, "r8", "r9", FIRST,                                                          \
                                                                     PUT(1), PUT(2))                                                                   \
                     EK_TRIO_OUT(STEP, "r10", "r11", PUT(3), PUT(4), PUT(5)) NEXT                                                                      \
                 "str r3, [sp, #20]\nldr r1, [sp, #52]\n"                                                                                              \
                 "ldr r2, [sp, #16]\nsubs r2, #1\nstr r2, [sp, #16]\nbeq 4f\nb 1b\n"                                                                   \
                 "4:\n" EK_PLAIN_CLOSE(56))

EK_NAKED void ek_trio_block_up(const uint32_t *x EK_UNUSED, const uint8_t *weights EK_UNUSED,
                               const ek_stepped *records EK_UNUSED, int8_t *out EK_UNUSED,
                               const ek_trio_shape *s EK_UNUSED) {
  EK_TRIO_BLOCK(EK_STEP_UP, EK_RECORD_UP, EK_TRIO_STORES);
}
EK_NAKED void ek_trio_block_away(const uint32_t *x EK_UNUSED, const uint8_t *weights EK_UNUSED,
                                 const ek_stepped *records EK_UNUSED, int8_t *out EK_UNUSED,
                                 const ek_trio_shape *s EK_UNUSED) {
  EK_TRIO_BLOCK(EK_STEP_AWAY, EK_RECORD_AWAY, EK_TRIO_STORES);
}
#endif

#ifdef EK_RV32
EK_KERNEL void ek_trio_block_fours(const uint32_t *x, const uint8_t *weights,
                                   const ek_stepped *records, int8_t *out, const ek_trio_shape *s,
                                   int32_t away) {
  const int32_t fours = s->channels / 4;
  for (int32_t i = 0; i < fours; ++i, weights += 4 * s->inputs) {
    uint32_t words[16];
    ek_plain_words_rv32(x + 4, weights, s->inputs, words);
    for (int32_t c = 0; c < 4; ++c) ek_trio_write(words + 4 * c, x, records++, out++, s, away);
  }
  ek_trio_shape rest = *s;
  rest.channels = s->channels % 4;
  ek_trio_block_c(x, weights, records, out, &rest);
}

EK_OPTIMIZED void ek_trio_block_rv32_up(const uint32_t *x, const uint8_t *weights,
                                        const ek_stepped *records, int8_t *out,
                                        const ek_trio_shape *s) {
  ek_trio_block_fours(x, weights, records, out, s, 0);
}
EK_OPTIMIZED void ek_trio_block_rv32_away(const uint32_t *x, const uint8_t *weights,
                                          const ek_stepped *records, int8_t *out,
                                          const ek_trio_shape *s) {
  ek_trio_block_fours(x, weights, records, out, s, 1);
}
#endif

typedef void (*ek_trio_block_fn)(const uint32_t *, const uint8_t *, const ek_stepped *, int8_t *,
                                 const ek_trio_shape *);

/* `away` is a constant at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_trio_block_fn ek_trio_block_for(int32_t away) {
#ifdef EK_THUMB
  return away ? ek_trio_block_away : ek_trio_block_up;
#elif defined(EK_RV32)
  return away ? ek_trio_block_rv32_away : ek_trio_block_rv32_up;
#else
  (void)away;
  return ek_trio_block_c;
#endif
}

#endif
