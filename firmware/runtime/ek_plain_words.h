/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loop of convolutions on RV32: [input][4 words] times the weights of four channels. */
#ifndef EK_PLAIN_WORDS_H
#define EK_PLAIN_WORDS_H

#include "ek_asm.h"

#ifdef EK_RV32
/* words[channel][4], of inputs >= 1. Register plan: s0-s11 and t3-t6 sums, a4-a7 inputs, t1 a
 * weight, t2 a product, a0 x, a1, t0, a2 and ra weights of the channels, a3 end of x. An input is
 * 43 instructions for 24 products. */
#define EK_WORDS_ROW(from, k, a, b, c, d)                                                   \
  "lbu t1, " #k "(" #from ")\nmul t2, a4, t1\nadd " #a ", " #a                              \
  ", t2\nmul t2, a5, t1\n"                                                                  \
  "add " #b ", " #b ", t2\nmul t2, a6, t1\nadd " #c ", " #c ", t2\nmul t2, a7, t1\nadd " #d \
  ", " #d ", t2\n"
#define EK_WORDS_INPUT(k, at0, at1, at2, at3)                                      \
  "lw a4, " #at0 "(a0)\nlw a5, " #at1 "(a0)\nlw a6, " #at2 "(a0)\nlw a7, " #at3    \
  "(a0)\n" EK_WORDS_ROW(a1, k, s0, s1, s2, s3) EK_WORDS_ROW(t0, k, s4, s5, s6, s7) \
      EK_WORDS_ROW(a2, k, s8, s9, s10, s11) EK_WORDS_ROW(ra, k, t3, t4, t5, t6)
#define EK_WORDS_ON(inputs, bytes)                                           \
  "addi a0, a0, " #bytes "\naddi a1, a1, " #inputs "\naddi t0, t0, " #inputs \
  "\naddi a2, a2, " #inputs "\naddi ra, ra, " #inputs "\n"
#define EK_WORDS_SAVED(op)                                                                        \
  op " s0, 4(sp)\n" op " s1, 8(sp)\n" op " s2, 12(sp)\n" op " s3, 16(sp)\n" op " s4, 20(sp)\n" op \
     " s5, 24(sp)\n" op " s6, 28(sp)\n" op " s7, 32(sp)\n" op " s8, 36(sp)\n" op                  \
     " s9, 40(sp)\n" op " s10, 44(sp)\n" op " s11, 48(sp)\n" op " ra, 52(sp)\n"
EK_NAKED void ek_plain_words_rv32(const uint32_t *x EK_UNUSED, const uint8_t *weights EK_UNUSED,
                                  int32_t inputs EK_UNUSED, uint32_t *words EK_UNUSED) {
  __asm volatile(
      "addi sp, sp, -64\nsw a3, 0(sp)\n" EK_WORDS_SAVED("sw")
      "add t0, a1, a2\nadd t1, t0, a2\nadd ra, t1, a2\nslli a3, a2, 4\nadd a3, a3, a0\n"
      "andi t2, a2, 1\nmv a2, t1\n"
      "li s0, 0\nli s1, 0\nli s2, 0\nli s3, 0\nli s4, 0\nli s5, 0\nli s6, 0\nli s7, 0\n"
      "li s8, 0\nli s9, 0\nli s10, 0\nli s11, 0\nli t3, 0\nli t4, 0\nli t5, 0\nli t6, 0\n"
      "beqz t2, 1f\n" EK_WORDS_INPUT(0, 0, 4, 8, 12) EK_WORDS_ON(1, 16) "beq a0, a3, 2f\n"
      "1:\n" EK_WORDS_INPUT(0, 0, 4, 8, 12) EK_WORDS_INPUT(1, 16, 20, 24, 28) EK_WORDS_ON(2, 32)
      "bne a0, a3, 1b\n2: lw a3, 0(sp)\n"
      "sw s0, 0(a3)\nsw s1, 4(a3)\nsw s2, 8(a3)\nsw s3, 12(a3)\nsw s4, 16(a3)\nsw s5, 20(a3)\n"
      "sw s6, 24(a3)\nsw s7, 28(a3)\nsw s8, 32(a3)\nsw s9, 36(a3)\nsw s10, 40(a3)\n"
      "sw s11, 44(a3)\nsw t3, 48(a3)\nsw t4, 52(a3)\nsw t5, 56(a3)\nsw t6, 60(a3)\n"
      EK_WORDS_SAVED("lw") "addi sp, sp, 64\nret\n");
}
#endif

#endif
