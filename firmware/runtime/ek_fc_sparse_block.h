/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of pruned FULLY_CONNECTED on one row: eight or four output channels at a time, only the
 * pairs of inputs for which one of them has a weight.
 *
 * `x`: words of two neighbouring inputs. `stream`, per `2 * pairs` channels (pairs of a, b):
 * 256 * bias_a + bias_b and bias_b of each pair; a header, the entries; then high_a, scale_a,
 * high_b, scale_b of each pair. An entry is a byte, four times the words of x from the last entry's
 * to its own, and a weight word of each pair. Entries come in groups of four, whose bytes are one
 * word: the first group's stands in the header, and each group's fourth entry has that of the next
 * (0 after the last) before its last two weights. The first group lacks its first entries where
 * their number does not divide by four: how many (4 of none at all) is the header's first word.
 */
#ifndef EK_FC_SPARSE_BLOCK_H
#define EK_FC_SPARSE_BLOCK_H

#include "ek_fc_block.h"

/* Sums of `pairs` channel pairs over their entries; returns what follows these. */
EK_KERNEL const int32_t *ek_fc_sparse_entries(const int32_t *x, const int32_t *stream,
                                              int32_t pairs, int32_t both[4], int32_t b[4]) {
  int32_t out = stream[0], at = 0;
  uint32_t bytes = (uint32_t)stream[1];
  stream += 2;
  do {
    uint32_t next = 0;
    for (int32_t i = out; i < 4; ++i) {
      at += (int32_t)(bytes >> (8 * i) & 255u) / 4;
      for (int32_t pair = 0; pair < pairs; ++pair) {
        if (i == 3 && pair == pairs - 2) next = (uint32_t)*stream++;
        both[pair] = ek_smlad(*stream, x[at], both[pair]);
        b[pair] = ek_smlad(ek_low_bytes(*stream++), x[at], b[pair]);
      }
    }
    out = 0;
    bytes = next;
  } while (bytes != 0);
  return stream;
}

EK_KERNEL const int32_t *ek_fc_sparse_groups(const int32_t *x, const int32_t *stream, int8_t *out,
                                             const ek_fc_shape *s, int32_t pairs) {
  for (int32_t g = 0; g < s->groups; ++g) {
    int32_t both[4], b[4];
    for (int32_t pair = 0; pair < pairs; ++pair) {
      both[pair] = stream[2 * pair];
      b[pair] = stream[2 * pair + 1];
    }
    stream = ek_fc_sparse_entries(x, stream + 2 * pairs, pairs, both, b);
    for (int32_t pair = 0; pair < pairs; ++pair, out += 2, stream += 4) {
      const int32_t a = ek_add_wrap(both[pair], (int32_t)(0u - (uint32_t)b[pair])) >> 8;
      out[0] = ek_narrow(a, stream[0], stream[1], &s->narrowing);
      out[1] = ek_narrow(b[pair], stream[2], stream[3], &s->narrowing);
    }
  }
  return stream;
}

/* The twins; they return the end of the stream that they read. `s->inputs` is not needed. */
EK_NOINLINE const int32_t *ek_fc_sparse_8_c(const int32_t *x, const int32_t *stream, int8_t *out,
                                            const ek_fc_shape *s) {
  return ek_fc_sparse_groups(x, stream, out, s, 4);
}
EK_NOINLINE const int32_t *ek_fc_sparse_4_c(const int32_t *x, const int32_t *stream, int8_t *out,
                                            const ek_fc_shape *s) {
  return ek_fc_sparse_groups(x, stream, out, s, 2);
}

#ifdef EK_DSP
/* Register plan: r4 r6 r8 r10 256 * a + b of pairs 0..3, r5 r7 r9 r11 b (of four channels: r4-r7);
 * r0 place in x, r1 stream, r2 inputs, r3 the group's bytes, r12 lr weights of two pairs and then
 * their lower bytes. Parked: s0 x, s1 where the unrolled group starts, s2 out, s4 groups left,
 * s5 zero point.
 * A step is 17 instructions for 16 products, 66 bytes, 20 cycles; of four channels 10 for 8, 38
 * bytes, 11 cycles. UXTAB moves r0 on by one of the bytes; three loads stand in a row. */
#define EK_FC_SPARSE_MACS(h0, l0, h1, l1)                        \
  "smlad " #h0 ", r12, r2, " #h0 "\nsmlad " #h1 ", lr, r2, " #h1 \
  "\nsxtb16 r12, r12\nsxtb16 lr, lr\n"                           \
  "smlad " #l0 ", r12, r2, " #l0 "\nsmlad " #l1 ", lr, r2, " #l1 "\n"
#define EK_FC_SPARSE_TAKE(ror, load) "uxtab r0, r0, r3" ror "\n" load "ldr.n r2, [r0]\n"
#define EK_FC_SPARSE_TWO "ldr.w r12, [r1], #4\nldr.w lr, [r1], #4\n"
#define EK_FC_SPARSE_NEXT "ldmia.w r1!, {r3, r12, lr}\n"
#define EK_FC_SPARSE_STEP_8(ror, last)     \
  EK_FC_SPARSE_TAKE(ror, EK_FC_SPARSE_TWO) \
  EK_FC_SPARSE_MACS(r4, r5, r6, r7) last EK_FC_SPARSE_MACS(r8, r9, r10, r11)
#define EK_FC_SPARSE_PAIR "ldrd r12, lr, [r1], #8\n"
#define EK_FC_SPARSE_STEPS_8                          \
  EK_FC_SPARSE_STEP_8("", EK_FC_SPARSE_PAIR)          \
  EK_FC_SPARSE_STEP_8(", ror #8", EK_FC_SPARSE_PAIR)  \
  EK_FC_SPARSE_STEP_8(", ror #16", EK_FC_SPARSE_PAIR) \
  EK_FC_SPARSE_STEP_8(", ror #24", EK_FC_SPARSE_NEXT)
#define EK_FC_SPARSE_STEP_4(ror, load) \
  EK_FC_SPARSE_TAKE(ror, load) EK_FC_SPARSE_MACS(r4, r5, r6, r7)
#define EK_FC_SPARSE_STEPS_4                         \
  EK_FC_SPARSE_STEP_4("", EK_FC_SPARSE_TWO)          \
  EK_FC_SPARSE_STEP_4(", ror #8", EK_FC_SPARSE_TWO)  \
  EK_FC_SPARSE_STEP_4(", ror #16", EK_FC_SPARSE_TWO) \
  EK_FC_SPARSE_STEP_4(", ror #24", EK_FC_SPARSE_NEXT)

#define EK_FC_SPARSE_FINISH_8(AWAY) \
  EK_SPLIT(r4, r5) EK_SPLIT(r6, r7) EK_SPLIT(r8, r9) EK_SPLIT(r10, r11)              \
  EK_FC_NARROW(AWAY, r4, r5) EK_FC_NARROW(AWAY, r6, r7) EK_FC_NARROW(AWAY, r8, r9)   \
  EK_FC_NARROW(AWAY, r10, r11) EK_FETCH(r12, 2) EK_FETCH(lr, 4)                      \
  "pkhbt r4, r4, r6, lsl #16\npkhbt r8, r8, r10, lsl #16\n"                          \
  "str r4, [r12], #4\nstr r8, [r12], #4\n"
#define EK_FC_SPARSE_FINISH_4(AWAY) \
  EK_SPLIT(r4, r5)                  \
  EK_SPLIT(r6, r7)                  \
  EK_FC_NARROW(AWAY, r4, r5)        \
  EK_FC_NARROW(AWAY, r6, r7)        \
  EK_FETCH(r12, 2) EK_FETCH(lr, 4) "pkhbt r4, r4, r6, lsl #16\nstr r4, [r12], #4\n"

#define EK_FC_SPARSE_BODY(SUMS, BYTES, STEPS, FINISH) \
  __asm volatile(                                                                    \
      "push {r4-r11, lr}\n" EK_OPEN "ldmia r3, {r4, r5, r6}\n" EK_PARK(0, r0)        \
      EK_PARK(2, r2) EK_PARK(4, r5) EK_PARK(5, r6)                                   \
      "adr r5, 2f\n"                                                                 \
      "orr r5, r5, #1\n" EK_PARK(1, r5)                                              \
      "1:\n" EK_FETCH2(r0, r12, 0, 1)                                                \
      "ldmia r1!, {" SUMS "}\nldmia r1!, {r2, r3}\n"                                 \
      "movs.w lr, #" BYTES "\nmla r12, r2, lr, r12\nbx r12\n"                        \
      ".balign 4\n"                                                                  \
      "2:\n" STEPS "cmp r3, #0\nbne 2b\n" EK_FETCH(lr, 5) FINISH                     \
      "subs lr, #1\n" EK_PARK(2, r12) EK_PARK(4, lr) "bne 1b\n"                      \
      "mov r0, r1\n" EK_CLOSE "pop {r4-r11, pc}\n")
#define EK_FC_SPARSE_FUNCTION(name, SUMS, BYTES, STEPS, FINISH)                             \
  EK_NAKED const int32_t *name(const int32_t *x EK_UNUSED, const int32_t *stream EK_UNUSED, \
                               int8_t *out EK_UNUSED, const ek_fc_shape *s EK_UNUSED) {     \
    EK_FC_SPARSE_BODY(SUMS, BYTES, STEPS, FINISH);                                          \
  }

EK_FC_SPARSE_FUNCTION(ek_fc_sparse_8_up, "r4-r11", "66", EK_FC_SPARSE_STEPS_8,
                      EK_FC_SPARSE_FINISH_8(EK_UP))
EK_FC_SPARSE_FUNCTION(ek_fc_sparse_8_away, "r4-r11", "66", EK_FC_SPARSE_STEPS_8,
                      EK_FC_SPARSE_FINISH_8(EK_AWAY))
EK_FC_SPARSE_FUNCTION(ek_fc_sparse_4_up, "r4-r7", "38", EK_FC_SPARSE_STEPS_4,
                      EK_FC_SPARSE_FINISH_4(EK_UP))
EK_FC_SPARSE_FUNCTION(ek_fc_sparse_4_away, "r4-r7", "38", EK_FC_SPARSE_STEPS_4,
                      EK_FC_SPARSE_FINISH_4(EK_AWAY))
#endif

/* `abreast` (8 or 4) and `away` are constants at each call. */
EK_KERNEL ek_fc_block_fn ek_fc_sparse_block_for(int32_t abreast, int32_t away) {
#ifdef EK_DSP
  if (abreast == 4) return away ? ek_fc_sparse_4_away : ek_fc_sparse_4_up;
  return away ? ek_fc_sparse_8_away : ek_fc_sparse_8_up;
#else
  (void)away;
  return abreast == 4 ? ek_fc_sparse_4_c : ek_fc_sparse_8_c;
#endif
}

#endif
