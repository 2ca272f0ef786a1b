/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of pruned convolutions: of the weights of a channel pair only those words that are not
 * zero, times four pixels.
 *
 * `x` as ek_dense_block.h has it: [word][4 pixels]; or lines of words, each that of a pixel, so
 * that four neighbours are the block's pixels (ek_conv_lines.h). `stream`, per pair of output
 * channels a, b: a header, 256 * bias_a + bias_b, bias_b, the entries, then high_a, scale_a,
 * high_b, scale_b. An entry is a weight word (ek_lanes.h) and a byte: the words of four pixels that
 * are skipped since the entry before, or with lines the words from its place to this one's. Entries
 * come in groups of five words: three weights, the four bytes, the fourth weight; the first group
 * lacks its first weights where their number does not divide by four. The header says how an
 * unrolled loop of EK_SPARSE_UNROLL entries is entered in its middle: bits 0-3 entries to leave
 * out, 4-11 bytes from where its first group would start to the first weight, 12-31 bytes of the
 * groups.
 */
#ifndef EK_SPARSE_BLOCK_H
#define EK_SPARSE_BLOCK_H

#include "ek_dense_block.h"

#define EK_SPARSE_UNROLL 8

/* Four pixels of a channel pair: sums start as {both, b} and end as what entries add up to. Returns
 * where the entries end. */
EK_KERNEL int32_t ek_sparse_entries(const int32_t *x, const int32_t *stream, int32_t lines,
                                    int32_t both[4], int32_t b[4]) {
  const int32_t header = stream[0], unit = lines ? 1 : 4, own = lines ? 0 : 4;
  int32_t out = header & 3, at = 3 - (header >> 4 & 255) / 4;
  const int32_t end = at + (int32_t)((uint32_t)header >> 12) / 4;
  for (; at < end; at += 5) {
    for (int32_t i = 0; i < 4; ++i) {
      if (out-- > 0) continue;
      const int32_t weights = stream[at + (i < 3 ? 1 + i : 5)];
      x += unit * (int32_t)((uint32_t)stream[at + 4] >> (8 * i) & 255u);
      for (int32_t px = 0; px < 4; ++px) {
        both[px] = ek_smlad(weights, x[px], both[px]);
        b[px] = ek_smlad(ek_low_bytes(weights), x[px], b[px]);
      }
      x += own;
    }
  }
  return end + 1;
}

EK_KERNEL const int32_t *ek_sparse_channels(const int32_t *x, const int32_t *stream, int8_t *out,
                                            const ek_dense_shape *s, int32_t lines) {
  for (int32_t c = 0; c < s->channels; ++c, out += 2) {
    int32_t both[4] = {stream[1], stream[1], stream[1], stream[1]};
    int32_t b[4] = {stream[2], stream[2], stream[2], stream[2]};
    const int32_t *post = stream + ek_sparse_entries(x, stream, lines, both, b);
    for (int32_t px = 0; px < 4; ++px) {
      int8_t *to = out + (px & 1) * s->step + (px >> 1) * s->skip;
      const int32_t a = ek_add_wrap(both[px], (int32_t)(0u - (uint32_t)b[px])) >> 8;
      to[0] = ek_narrow(a, post[0], post[1], &s->narrowing);
      to[1] = ek_narrow(b[px], post[2], post[3], &s->narrowing);
    }
    stream = post + 4;
  }
  return stream;
}

/* The twins; they return the end of the stream that they read. `s->inputs` is not needed. */
EK_NOINLINE const int32_t *ek_sparse_block_c(const int32_t *x, const int32_t *stream, int8_t *out,
                                             const ek_dense_shape *s) {
  return ek_sparse_channels(x, stream, out, s, 0);
}
EK_NOINLINE const int32_t *ek_sparse_lines_c(const int32_t *x, const int32_t *stream, int8_t *out,
                                             const ek_dense_shape *s) {
  return ek_sparse_channels(x, stream, out, s, 1);
}

#ifdef EK_DSP
/* Register plan: r4 r6 r8 r10 256 * a + b of pixels 0..3, r5 r7 r9 r11 b; r0 x, r1 stream (the
 * last weight of the group before), r2 r3 the byte, then inputs; r12 weights, lr their lower bytes.
 * Parked as in ek_dense_block.h, but s6 is the last weight of all.
 * A step is 14 instructions for 16 products, 50 bytes (with lines 54): 19 cycles. The fourth of a
 * group moves r1 on, at no cost. */
#define EK_SPARSE_STEP(byte, weight, shift, low, high) \
  "ldrb.n r2, [r1, #" byte                             \
  "]\n"                                                \
  "ldr.w r12, [r1, #" weight                           \
  "\n"                                                 \
  "add.w r0, r0, r2, lsl #" shift                      \
  "\n"                                                 \
  "sxtb16 lr, r12\n" low                               \
  "smlad r4, r12, r2, r4\n"                            \
  "smlad r6, r12, r3, r6\n"                            \
  "smlad r5, lr, r2, r5\n"                             \
  "smlad r7, lr, r3, r7\n" high                        \
  "smlad r8, r12, r2, r8\n"                            \
  "smlad r10, r12, r3, r10\n"                          \
  "smlad r9, lr, r2, r9\n"                             \
  "smlad r11, lr, r3, r11\n"
#define EK_SPARSE_4_STEPS(...)            \
  EK_SPARSE_STEP("16", "4]", __VA_ARGS__) \
  EK_SPARSE_STEP("17", "8]", __VA_ARGS__) \
  EK_SPARSE_STEP("18", "12]", __VA_ARGS__) EK_SPARSE_STEP("19", "20]!", __VA_ARGS__)
#define EK_SPARSE_FOURS EK_SPARSE_4_STEPS("4", "ldmia.n r0!, {r2, r3}\n", "ldmia.n r0!, {r2, r3}\n")
#define EK_SPARSE_LINES EK_SPARSE_4_STEPS("2", "ldrd r2, r3, [r0]\n", "ldrd r2, r3, [r0, #8]\n")

#define EK_SPARSE_BODY(AWAY, BYTES, STEPS) \
  __asm volatile(                                                              \
      "push {r4-r11, lr}\n" EK_OPEN                                            \
      "ldmia r3, {r4, r5, r6, r7, r8}\n" EK_PARK(0, r0) EK_PARK(2, r2)         \
      EK_DENSE_PLACES EK_PARK(5, r8) EK_PARK(7, r5)                            \
      "adr r5, 2f\n"                                                           \
      "orr r5, r5, #1\n" EK_PARK(1, r5)                                        \
      "1:\n" EK_FETCH2(r0, r12, 0, 1)                                          \
      "ldmia r1!, {r2, r4, r5}\n"                                              \
      "movs r3, #" BYTES "\n"                                            \
      "and r6, r2, #15\n"                                                      \
      "mla r12, r6, r3, r12\n"                                                 \
      "ubfx r3, r2, #4, #8\n"                                                  \
      "sub r1, r1, r3\n"                                                       \
      "add r3, r1, r2, lsr #12\n" EK_PARK(6, r3)                               \
      "mov r6, r4\nmov r7, r5\nmov r8, r4\nmov r9, r5\nmov r10, r4\n"          \
      "mov r11, r5\nbx r12\n"                                                  \
      ".balign 4\n"                                                            \
      "2:\n" STEPS STEPS EK_FETCH(r12, 6)              \
      "cmp r1, r12\nbne 2b\nadds r1, #4\n" EK_DENSE_FINISH(AWAY, EK_DENSE_SPLIT)               \
      EK_FETCH(r12, 7) "subs r12, #1\n" EK_PARK(7, r12) "bne 1b\n"             \
      "mov r0, r1\n" EK_CLOSE "pop {r4-r11, pc}\n")

#define EK_SPARSE_FUNCTION(name, AWAY, BYTES, STEPS)                                        \
  EK_NAKED const int32_t *name(const int32_t *x EK_UNUSED, const int32_t *stream EK_UNUSED, \
                               int8_t *out EK_UNUSED, const ek_dense_shape *s EK_UNUSED) {  \
    EK_SPARSE_BODY(AWAY, BYTES, STEPS);                                                     \
  }
EK_SPARSE_FUNCTION(ek_sparse_block_up, EK_UP, "50", EK_SPARSE_FOURS)
EK_SPARSE_FUNCTION(ek_sparse_block_away, EK_AWAY, "50", EK_SPARSE_FOURS)
EK_SPARSE_FUNCTION(ek_sparse_lines_up, EK_UP, "54", EK_SPARSE_LINES)
EK_SPARSE_FUNCTION(ek_sparse_lines_away, EK_AWAY, "54", EK_SPARSE_LINES)
#endif

/* `away` is a constant at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_dense_block_fn ek_sparse_block_for(int32_t away) {
#ifdef EK_DSP
  return away ? ek_sparse_block_away : ek_sparse_block_up;
#else
  (void)away;
  return ek_sparse_block_c;
#endif
}
EK_KERNEL ek_dense_block_fn ek_sparse_lines_for(int32_t away) {
#ifdef EK_DSP
  return away ? ek_sparse_lines_away : ek_sparse_lines_up;
#else
  (void)away;
  return ek_sparse_lines_c;
#endif
}

#endif
