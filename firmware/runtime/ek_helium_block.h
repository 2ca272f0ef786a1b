/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of convolutions with Helium: two pixels times four output channels.
 *
 * `x`: pixels one after the other, each `steps` times 16 bytes (bytes beyond its inputs meet
 * weights of 0). `stream`, per four channels: their biases, multipliers and shifts, then per step
 * 16 weights of each. Pixel i and pixel i + distance are a pair; outputs of pixel i go to out + i *
 * out_c.
 */
#ifndef EK_HELIUM_BLOCK_H
#define EK_HELIUM_BLOCK_H

#include "ek_helium.h"

typedef struct {
  int32_t steps;    /* of 16 inputs, at least 1 */
  int32_t fours;    /* of output channels, at least 1 */
  int32_t pairs;    /* of pixels, at least 1 */
  int32_t distance; /* pixels between the two of a pair */
  int32_t out_c;    /* bytes from a pixel's outputs to the next one's */
  int32_t zero_point;
} ek_helium_shape;

/* The twin; returns the end of the stream that it read. */
EK_NOINLINE const int32_t *ek_helium_block_c(const int8_t *x, const int32_t *stream, int8_t *out,
                                             const ek_helium_shape *s, int32_t away) {
  for (int32_t four = 0; four < s->fours; ++four, out += 4, stream += 12 + 16 * s->steps) {
    const int8_t *weights = (const int8_t *)(stream + 12);
    for (int32_t i = 0; i < 8 * s->pairs; ++i) {
      const int32_t pixel = i / 8 + (i / 4 % 2) * s->distance, c = i % 4;
      const ek_helium_finish finish = {stream[c], stream[4 + c], stream[8 + c]};
      int32_t sum = 0;
      for (int32_t k = 0; k < 16 * s->steps; ++k) {
        sum += x[16 * s->steps * pixel + k] * weights[k / 16 * 64 + c * 16 + k % 16];
      }
      out[pixel * s->out_c + c] = ek_helium_narrow(sum, &finish, s->zero_point, away);
    }
  }
  return stream;
}

#ifdef EK_HELIUM
/* Register plan: r0 r2 r4 r6 sums of the first pixel's four channels, r8 r10 r12 lr of the
 * second's; r1 weights, r3 r9 inputs, r5 unrolled rounds left, r7 out, r11 the four's constants;
 * q0-q3 weights, q4 q5 inputs, q6 biases, q7 where the eight outputs go. On the stack: 0 where to
 * enter the unrolled steps, 4 rounds, 8 12 inputs, 16 zero point, 20 out_c, 24 end of the first
 * inputs, 28 fours left, 32 out. A step is 14 instructions for 128 products, 56 bytes. */
#define EK_HELIUM_STEP(MAC)                                                                       \
  "vldrb.8 q4, [r3], #16\nvldrb.8 q0, [r1], #16\n" MAC " r0, q0, q4\nvldrb.8 q1, [r1], #16\n" MAC \
  " r2, q1, q4\nvldrb.8 q2, [r1], #16\n" MAC " r4, q2, q4\nvldrb.8 q3, [r1], #16\n" MAC           \
  " r6, q3, q4\nvldrb.8 q5, [r9], #16\n" MAC " r8, q0, q5\n" MAC " r10, q1, q5\n" MAC             \
  " r12, q2, q5\n" MAC " lr, q3, q5\n"
#define EK_HELIUM_NEXT EK_HELIUM_STEP("vmladava.s8")
/* r12: steps after the first; to r6 rounds of four of them, to r12 where the first round starts. */
#define EK_HELIUM_ENTRY(bytes)                                              \
  "adds r6, r12, #3\nlsrs r6, r6, #2\nrsb r10, r12, #0\nand r10, r10, #3\n" \
  "mov lr, #" #bytes                                                        \
  "\nmul r10, r10, lr\ncmp r12, #0\nadr r12, 3f\nadd r12, r12, r10\n"       \
  "bne 9f\nadr r12, 4f\n9: orr r12, r12, #1\n"

#define EK_HELIUM_BLOCK_BODY(AWAY) \
  __asm volatile(EK_HELIUM_OPEN(40)                                                          \
      "ldmia r3, {r4-r9}\n"                                                                  \
      "lsl r10, r4, #4\nmla r11, r10, r7, r0\nmla r12, r10, r6, r0\n"                        \
      "strd r0, r11, [sp, #8]\nstrd r9, r8, [sp, #16]\nstrd r12, r5, [sp, #24]\n"            \
      "str r2, [sp, #32]\n"                                                                  \
      "mul r7, r7, r8\nmovs r0, #0\nvidup.u16 q7, r0, #1\nmovs r0, #1\nvdup.16 q6, r0\n"     \
      "vand q6, q6, q7\nvshr.u16 q7, q7, #1\nvmla.s16 q7, q6, r7\n"                          \
      "subs r12, r4, #1\n" EK_HELIUM_ENTRY(56) "strd r12, r6, [sp]\n"                        \
      "1: vldrw.u32 q6, [r1]\nmov r11, r1\nldrd r3, r9, [sp, #8]\nldr r7, [sp, #32]\n"       \
      "2: ldr r5, [sp, #4]\nadd r1, r11, #48\n" EK_HELIUM_STEP("vmladav.s8")                 \
      "ldr pc, [sp]\n"                                                                       \
      ".balign 4\n"                                                                          \
      "3:\n" EK_HELIUM_NEXT EK_HELIUM_NEXT EK_HELIUM_NEXT EK_HELIUM_NEXT                     \
      "subs r5, #1\nbne 3b\n.balign 4\n"                                                     \
      "4: vmov q0[2], q0[0], r0, r4\nvmov q0[3], q0[1], r2, r6\n"                            \
      "vmov q1[2], q1[0], r8, r12\nvmov q1[3], q1[1], r10, lr\n"                             \
      "vldrw.u32 q2, [r11, #16]\nvldrw.u32 q3, [r11, #32]\n"                                 \
      "vadd.i32 q0, q0, q6\nvadd.i32 q1, q1, q6\n"                                           \
      "vqrdmulh.s32 q0, q0, q2\nvqrdmulh.s32 q1, q1, q2\n" AWAY                              \
      "vrshl.s32 q0, q0, q3\nvrshl.s32 q1, q1, q3\nldrd r0, r2, [sp, #16]\n"                 \
      EK_HELIUM_BYTES(r0) "vstrb.16 q0, [r7, q7]\nadd r7, r2\n"                              \
      "ldr r4, [sp, #24]\ncmp r3, r4\nbne 2b\n"                                              \
      "ldr r4, [sp, #32]\nadds r4, #4\nstr r4, [sp, #32]\n"                                  \
      "ldr r5, [sp, #28]\nsubs r5, #1\nstr r5, [sp, #28]\nbne 1b\n"                          \
      "mov r0, r1\n" EK_HELIUM_CLOSE(40))

EK_NAKED const int32_t *ek_helium_block_up(const int8_t *x EK_UNUSED,
                                           const int32_t *stream EK_UNUSED, int8_t *out EK_UNUSED,
                                           const ek_helium_shape *s EK_UNUSED) {
  EK_HELIUM_BLOCK_BODY(EK_HELIUM_UP);
}
EK_NAKED const int32_t *ek_helium_block_away(const int8_t *x EK_UNUSED,
                                             const int32_t *stream EK_UNUSED, int8_t *out EK_UNUSED,
                                             const ek_helium_shape *s EK_UNUSED) {
  EK_HELIUM_BLOCK_BODY(EK_HELIUM_AWAY);
}
#endif

#ifndef EK_HELIUM
EK_NOINLINE const int32_t *ek_helium_block_up(const int8_t *x, const int32_t *stream, int8_t *out,
                                              const ek_helium_shape *s) {
  return ek_helium_block_c(x, stream, out, s, 0);
}
EK_NOINLINE const int32_t *ek_helium_block_away(const int8_t *x, const int32_t *stream, int8_t *out,
                                                const ek_helium_shape *s) {
  return ek_helium_block_c(x, stream, out, s, 1);
}
#endif

#endif
