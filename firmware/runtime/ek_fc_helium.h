/* SPDX-License-Identifier: Apache-2.0 */
/* FULLY_CONNECTED row by row with Helium, eight output channels at a time.
 *
 * The row is copied into the scratch first, so `out` may be `in` where there is one row. `stream`,
 * per eight channels: biases of the even ones and of the odd ones, multipliers and shifts likewise,
 * then per step of 16 inputs the 16 weights of each.
 */
#ifndef EK_FC_HELIUM_H
#define EK_FC_HELIUM_H

#include "ek_clamp.h"
#include "ek_helium_block.h"
#include "ek_helium_copy.h"

typedef struct {
  int32_t rows, depth, out_c, steps;
  int32_t zero_point, away, low, high;
} ek_fc_helium_params;

typedef struct {
  int32_t steps, eights, zero_point;
} ek_fc_helium_shape;

/* The twin; returns the end of the stream that it read. */
EK_NOINLINE const int32_t *ek_fc_helium_block_c(const int8_t *x, const int32_t *stream, int8_t *out,
                                                const ek_fc_helium_shape *s, int32_t away) {
  for (int32_t eight = 0; eight < s->eights; ++eight, stream += 24 + 32 * s->steps) {
    const int8_t *weights = (const int8_t *)(stream + 24);
    for (int32_t c = 0; c < 8; ++c, weights += 16) {
      const int32_t *at = stream + c % 2 * 4 + c / 2;
      const ek_helium_finish finish = {at[0], at[8], at[16]};
      int32_t sum = 0;
      for (int32_t k = 0; k < 16 * s->steps; ++k) sum += x[k] * weights[k / 16 * 128 + k % 16];
      *out++ = ek_helium_narrow(sum, &finish, s->zero_point, away);
    }
  }
  return stream;
}

#ifdef EK_HELIUM
/* Register plan: r0 r2 r4 r6 r8 r10 r12 lr sums of eight channels; r1 stream, r3 x, r5 rounds left,
 * r7 out, r9 groups left, r11 the group's constants; q0 inputs, q1-q4 weights. On the stack: 0
 * where to enter the unrolled steps, 4 rounds, 8 x, 12 zero point. A step is 17 instructions for
 * 128 products, 68 bytes. */
#define EK_FC_HELIUM_STEP(MAC)                                                                    \
  "vldrb.8 q0, [r3], #16\nvldrb.8 q1, [r1], #16\n" MAC " r0, q0, q1\nvldrb.8 q2, [r1], #16\n" MAC \
  " r2, q0, q2\nvldrb.8 q3, [r1], #16\n" MAC " r4, q0, q3\nvldrb.8 q4, [r1], #16\n" MAC           \
  " r6, q0, q4\nvldrb.8 q1, [r1], #16\n" MAC " r8, q0, q1\nvldrb.8 q2, [r1], #16\n" MAC           \
  " r10, q0, q2\nvldrb.8 q3, [r1], #16\n" MAC " r12, q0, q3\nvldrb.8 q4, [r1], #16\n" MAC         \
  " lr, q0, q4\n"
#define EK_FC_HELIUM_NEXT EK_FC_HELIUM_STEP("vmladava.s8")
#define EK_FC_HELIUM_BODY(AWAY) \
  __asm volatile(EK_HELIUM_OPEN(16)                                                          \
      "mov r7, r2\nldmia r3, {r4, r9, r11}\nstr r0, [sp, #8]\nstr r11, [sp, #12]\n"          \
      "subs r12, r4, #1\n" EK_HELIUM_ENTRY(68) "strd r12, r6, [sp]\n"                        \
      "1: mov r11, r1\nadds r1, #96\nldr r5, [sp, #4]\nldr r3, [sp, #8]\n"                   \
      EK_FC_HELIUM_STEP("vmladav.s8")                                                        \
      "ldr pc, [sp]\n"                                                                       \
      ".balign 4\n"                                                                          \
      "3:\n" EK_FC_HELIUM_NEXT EK_FC_HELIUM_NEXT EK_FC_HELIUM_NEXT EK_FC_HELIUM_NEXT         \
      "subs r5, #1\nbne 3b\n.balign 4\n"                                                     \
      "4: vmov q0[2], q0[0], r0, r8\nvmov q0[3], q0[1], r4, r12\n"                           \
      "vmov q1[2], q1[0], r2, r10\nvmov q1[3], q1[1], r6, lr\n"                              \
      "vldrw.u32 q2, [r11]\nvldrw.u32 q3, [r11, #16]\n"                                      \
      "vadd.i32 q0, q0, q2\nvadd.i32 q1, q1, q3\n"                                           \
      "vldrw.u32 q2, [r11, #32]\nvldrw.u32 q3, [r11, #48]\n"                                 \
      "vqrdmulh.s32 q0, q0, q2\nvqrdmulh.s32 q1, q1, q3\n" AWAY                              \
      "vldrw.u32 q2, [r11, #64]\nvldrw.u32 q3, [r11, #80]\n"                                 \
      "vrshl.s32 q0, q0, q2\nvrshl.s32 q1, q1, q3\nldr r0, [sp, #12]\n"                      \
      EK_HELIUM_BYTES(r0) "vstrb.16 q0, [r7], #8\n"                                          \
      "subs r9, #1\nbne 1b\n"                                                                \
      "mov r0, r1\n" EK_HELIUM_CLOSE(16))

EK_NAKED const int32_t *ek_fc_helium_up(const int8_t *x EK_UNUSED, const int32_t *stream EK_UNUSED,
                                        int8_t *out EK_UNUSED,
                                        const ek_fc_helium_shape *s EK_UNUSED) {
  EK_FC_HELIUM_BODY(EK_HELIUM_UP);
}
EK_NAKED const int32_t *ek_fc_helium_away(const int8_t *x EK_UNUSED,
                                          const int32_t *stream EK_UNUSED, int8_t *out EK_UNUSED,
                                          const ek_fc_helium_shape *s EK_UNUSED) {
  EK_FC_HELIUM_BODY(EK_HELIUM_AWAY);
}
#endif

EK_KERNEL const int32_t *ek_fc_helium_block(const int8_t *x, const int32_t *stream, int8_t *out,
                                            const ek_fc_helium_shape *s, int32_t away) {
#ifdef EK_HELIUM
  return away ? ek_fc_helium_away(x, stream, out, s) : ek_fc_helium_up(x, stream, out, s);
#else
  return ek_fc_helium_block_c(x, stream, out, s, away);
#endif
}

EK_KERNEL void ek_fc_helium(const ek_fc_helium_params *p, const int8_t *in, int8_t *out,
                            const int32_t *stream, void *scratch) {
  int8_t *x = (int8_t *)scratch;
  const ek_copy_shape copy = {p->depth, 1, 0, 0};
  int8_t *at = out;
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, at += p->out_c) {
    ek_fc_helium_shape shape = {p->steps, p->out_c / 8, p->zero_point};
    const int32_t *rest = stream;
    ek_helium_copy(x, in, &copy);
    if (shape.eights > 0) rest = ek_fc_helium_block(x, stream, at, &shape, p->away);
    if (p->out_c % 8 == 0) continue;
    int8_t last[8];
    shape.eights = 1;
    (void)ek_fc_helium_block(x, rest, last, &shape, p->away);
    memcpy(at + p->out_c / 8 * 8, last, (size_t)(p->out_c % 8));
  }
  ek_clamp_all(out, p->rows * p->out_c, p->low, p->high);
}

#endif
