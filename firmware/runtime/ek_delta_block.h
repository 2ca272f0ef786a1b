/* SPDX-License-Identifier: Apache-2.0 */
/* The heart of convolutions pruned weight by weight: the weights of one output channel that are not
 * zero, times four pixels.
 *
 * `x`: of each input two words of lanes, pixels 0 1 and 2 3. `stream`, per output channel: a
 * header, the bias, the entries, high, scale (ek_narrow). An entry is two weights with the bytes of
 * x from the last weight's inputs to its own: weight, bytes, weight, bytes. The header: bits 0-3
 * how many entries of an unrolled loop of EK_DELTA_UNROLL to leave out at first, the others the
 * bytes from the bias's word to the end of the entries.
 */
#ifndef EK_DELTA_BLOCK_H
#define EK_DELTA_BLOCK_H

#include "ek_dense_block.h"
#include "ek_expand_block.h"

#define EK_DELTA_UNROLL 8

EK_KERNEL const int32_t *ek_delta_channel(const int32_t *x, const int32_t *stream, int8_t *out,
                                          const ek_dense_shape *s) {
  const int32_t *end = stream + 1 + (stream[0] >> 4) / 4;
  int32_t sums[4] = {stream[1], stream[1], stream[1], stream[1]};
  int32_t at = 0;
  for (const int32_t *entry = stream + 2; entry < end; ++entry) {
    for (int32_t i = 0; i < 2; ++i) {
      const uint32_t half = (uint32_t)*entry >> (16 * i);
      const int32_t weight = (int8_t)(half & 255u);
      at += (int32_t)(half >> 8 & 255u) / 4;
      sums[0] += weight * ek_lane0(x[at]);
      sums[1] += weight * ek_lane1(x[at]);
      sums[2] += weight * ek_lane0(x[at + 1]);
      sums[3] += weight * ek_lane1(x[at + 1]);
    }
  }
  for (int32_t px = 0; px < 4; ++px) {
    out[(px & 1) * s->step + (px >> 1) * s->skip] =
        ek_narrow(sums[px], end[0], end[1], &s->narrowing);
  }
  return end + 2;
}

/* The twin; returns the end of the stream that it read. `s->inputs` is not needed. */
EK_NOINLINE const int32_t *ek_delta_block_c(const int32_t *x, const int32_t *stream, int8_t *out,
                                            const ek_dense_shape *s) {
  for (int32_t c = 0; c < 2 * s->channels; ++c) stream = ek_delta_channel(x, stream, out + c, s);
  return stream;
}

#ifdef EK_DSP
/* Register plan: r4-r7 sums of pixels 0..3; r0 and r8 in turn the place in x, r1 stream, r2 r3
 * inputs of the first weight, r9 r10 of the second, r11 end of the entries, r12 the next entry, lr
 * weights. Parked: s0 x, s1 where the unrolled steps start, s2 out, s3 step, s4 skip, s5 zero
 * point, s7 channels left.
 * A step is 16 instructions for 8 products, 64 bytes, 17 cycles: five loads in a row, the last of
 * which is the next entry (behind the last one: `high`). */
#define EK_DELTA_STEP(at, to)                      \
  "uxtab " #at ", " #at                            \
  ", r12, ror #8\n"                                \
  "uxtab " #to ", " #at                            \
  ", r12, ror #24\n"                               \
  "sxtb16 lr, r12\n"                               \
  "ldr.w r2, [" #at "]\nldr.w r3, [" #at           \
  ", #4]\n"                                        \
  "ldr.w r9, [" #to "]\nldr.w r10, [" #to          \
  ", #4]\nldr.w r12, [r1], #4\n"                   \
  "smlabb r4, lr, r2, r4\nsmlabt r5, lr, r2, r5\n" \
  "smlabb r6, lr, r3, r6\nsmlabt r7, lr, r3, r7\n" \
  "smlatb r4, lr, r9, r4\nsmlatt r5, lr, r9, r5\n" \
  "smlatb r6, lr, r10, r6\nsmlatt r7, lr, r10, r7\n"
#define EK_DELTA_2_STEPS EK_DELTA_STEP(r0, r8) EK_DELTA_STEP(r8, r0)

#define EK_DELTA_BODY(AWAY) \
  __asm volatile(                                                              \
      "push {r4-r11, lr}\n" EK_OPEN                                            \
      "ldmia r3, {r4, r5, r6, r7, r8}\nlsl r5, r5, #1\n" EK_PARK(0, r0)        \
      EK_PARK(2, r2) EK_PARK(3, r6) EK_PARK(4, r7) EK_PARK(5, r8) EK_PARK(7, r5) \
      "adr r5, 2f\n"                                                           \
      "orr r5, r5, #1\n" EK_PARK(1, r5)                                        \
      "1:\n" EK_FETCH2(r0, lr, 0, 1)                                           \
      "ldr r2, [r1], #4\n"                                                     \
      "add r11, r1, r2, asr #4\nadds r11, #4\n" /* one entry is read ahead */  \
      "ldrd r4, r12, [r1], #8\n"                                               \
      "and r2, r2, #15\nadd lr, lr, r2, lsl #6\n" /* 64 bytes a step */        \
      "mov r8, r0\nmov r5, r4\nmov r6, r4\nmov r7, r4\nbx lr\n"                \
      ".balign 4\n"                                                            \
      "2:\n" EK_DELTA_2_STEPS EK_DELTA_2_STEPS EK_DELTA_2_STEPS EK_DELTA_2_STEPS \
      "cmp r1, r11\nbne 2b\n"                                                  \
      "ldr r3, [r1], #4\n" EK_FETCH(lr, 5)                                     \
      EK_NARROW_4(AWAY, r4, r5, r6, r7, r12, r3, lr)                           \
      EK_FETCH2(r0, r2, 2, 3) EK_FETCH(r3, 4)                                  \
      "add r3, r0\n"                                                           \
      "strb r4, [r0]\nstrb r5, [r0, r2]\nstrb r6, [r3]\nstrb r7, [r3, r2]\n"   \
      "adds r0, #1\n" EK_PARK(2, r0)                                           \
      EK_FETCH(r12, 7) "subs r12, #1\n" EK_PARK(7, r12) "bne 1b\n"             \
      "mov r0, r1\n" EK_CLOSE "pop {r4-r11, pc}\n")

EK_NAKED const int32_t *ek_delta_block_up(const int32_t *x EK_UNUSED,
                                          const int32_t *stream EK_UNUSED, int8_t *out EK_UNUSED,
                                          const ek_dense_shape *s EK_UNUSED) {
  EK_DELTA_BODY(EK_UP);
}
EK_NAKED const int32_t *ek_delta_block_away(const int32_t *x EK_UNUSED,
                                            const int32_t *stream EK_UNUSED, int8_t *out EK_UNUSED,
                                            const ek_dense_shape *s EK_UNUSED) {
  EK_DELTA_BODY(EK_AWAY);
}
#endif

/* `away` is a constant at each call, so that a model holds only the variants it needs. */
EK_KERNEL ek_dense_block_fn ek_delta_block_for(int32_t away) {
#ifdef EK_DSP
  return away ? ek_delta_block_away : ek_delta_block_up;
#else
  (void)away;
  return ek_delta_block_c;
#endif
}

/* Bytes of four pixels to what the block reads; in C on every core. */
EK_NOINLINE int32_t *ek_expand_single(int32_t *to, const int8_t *const *pixels,
                                      const ek_expand_shape *s) {
  const int32_t bytes = s->words * 4 + s->rest, pitch = bytes + s->to_next;
  for (int32_t run = 0; run < s->runs; ++run) {
    for (int32_t half = 0; half < 2; ++half) {
      const int8_t *left = pixels[2 * half] + run * pitch,
                   *right = pixels[2 * half + 1] + run * pitch;
      int32_t *at = to + half, i = s->words;
      for (; i > 0; --i, left += 4, right += 4, at += 8) {
        uint32_t l, r;
        memcpy(&l, left, 4);
        memcpy(&r, right, 4);
        const uint32_t even = (uint32_t)ek_low_bytes((int32_t)l);
        const uint32_t other = (uint32_t)ek_low_bytes((int32_t)r);
        at[0] = (int32_t)((even & 0xFFFFu) | (other << 16));
        at[4] = (int32_t)((even >> 16) | (other & 0xFFFF0000u));
        const uint32_t odd = (uint32_t)ek_low_bytes((int32_t)((l >> 8) | (l << 24)));
        const uint32_t others = (uint32_t)ek_low_bytes((int32_t)((r >> 8) | (r << 24)));
        at[2] = (int32_t)((odd & 0xFFFFu) | (others << 16));
        at[6] = (int32_t)((odd >> 16) | (others & 0xFFFF0000u));
      }
      for (i = 0; i < s->rest; ++i, at += 2) *at = ek_pair(left[i], right[i]);
    }
    to += 2 * bytes;
  }
  return to;
}

#endif
