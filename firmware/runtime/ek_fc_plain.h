/* SPDX-License-Identifier: Apache-2.0 */
/* FULLY_CONNECTED row by row for cores with plain products, four channels at a time.
 *
 * Inputs and weights are bytes with 128 added; the records' starts make up for the weights' part, a
 * correction of the row for the inputs'. Weights: per four channels [input][4]. The row is copied
 * into the scratch first, so `out` may be `in` where there is one row.
 */
#ifndef EK_FC_PLAIN_H
#define EK_FC_PLAIN_H

#include "ek_plain.h"

typedef struct {
  int32_t rows, depth, out_c, away;
} ek_fc_plain_params;

typedef struct {
  int32_t inputs;     /* at least 1 */
  int32_t fours;      /* of channels, at least 1 */
  int32_t correction; /* -128 times the sum of the bytes of x */
} ek_fc_plain_shape;

/* The twin. */
EK_NOINLINE void ek_fc_plain_block_c(const uint8_t *x, const uint8_t *weights,
                                     const ek_stepped *records, int8_t *out,
                                     const ek_fc_plain_shape *s) {
  for (int32_t c = 0; c < 4 * s->fours; ++c) {
    const uint8_t *at = weights + c / 4 * 4 * s->inputs + c % 4;
    uint32_t sum = (uint32_t)s->correction + (uint32_t)records[c].start;
    for (int32_t k = 0; k < s->inputs; ++k) sum += (uint32_t)x[k] * at[4 * k];
    out[c] = ek_step((int32_t)sum, records + c);
  }
}

#ifdef EK_THUMB
/* Register plan: r4-r7 sums, r0 x, r1 weights, r3 an input, r2 a weight, r12 end of x; afterwards
 * r8-r11 sums and those of EK_STEP, r3 the record. On the stack: 0 x - left out, 4 record, 8 where
 * to enter the unrolled inputs, 12 weights left out, 16 fours left, 20 out, 24 correction, 28 end
 * of x. An input is 13 instructions for four products, 26 bytes. */
#ifdef __thumb2__
#define EK_FC_PLAIN_ONE(sum, at) "ldrb r2, [r1, #" #at "]\nmla " #sum ", r2, r3, " #sum "\n"
#else
#define EK_FC_PLAIN_ONE(sum, at) "ldrb r2, [r1, #" #at "]\nmuls r2, r3\nadds " #sum ", r2\n"
#endif
#define EK_FC_PLAIN_INPUT(i, a, b, c, d)                                                          \
  "ldrb r3, [r0, #" #i "]\n" EK_FC_PLAIN_ONE(r4, a) EK_FC_PLAIN_ONE(r5, b) EK_FC_PLAIN_ONE(r6, c) \
      EK_FC_PLAIN_ONE(r7, d)
#define EK_FC_PLAIN_OUT(STEP, RECORD, sum, at) \
  RECORD "mov r0, " #sum "\n" STEP "ldr r2, [sp, #20]\nstrb r0, [r2, #" #at "]\n"
#define EK_FC_PLAIN_BODY(STEP, RECORD) \
  __asm volatile(EK_PLAIN_OPEN(36)                                                              \
      "str r2, [sp, #4]\nstr r3, [sp, #20]\nldr r3, [sp, #72]\nldmia r3!, {r4, r5, r6}\n"       \
      "str r5, [sp, #16]\nstr r6, [sp, #24]\nadds r7, r0, r4\nstr r7, [sp, #28]\n"              \
      "rsbs r5, r4, #0\nmovs r6, #7\nands r5, r6\nsubs r0, r5\nstr r0, [sp]\n"                  \
      "lsls r7, r5, #2\nstr r7, [sp, #12]\n"                                                    \
      "movs r6, #26\nmuls r5, r6\nadr r6, 2f\nadds r5, r6\nadds r5, #1\nstr r5, [sp, #8]\n"     \
      "1: ldr r0, [sp]\nldr r2, [sp, #12]\nsubs r1, r2\nldr r2, [sp, #28]\nmov r12, r2\n"       \
      "ldr r3, [sp, #4]\nldr r2, [sp, #24]\nldr r4, [r3]\nldr r5, [r3, #28]\n"                  \
      "ldr r6, [r3, #56]\nldr r7, [r3, #84]\nadds r4, r2\nadds r5, r2\nadds r6, r2\n"           \
      "adds r7, r2\nldr r2, [sp, #8]\nbx r2\n.balign 4\n"                                       \
      "2:\n" EK_FC_PLAIN_INPUT(0, 0, 1, 2, 3) EK_FC_PLAIN_INPUT(1, 4, 5, 6, 7)                  \
      EK_FC_PLAIN_INPUT(2, 8, 9, 10, 11) EK_FC_PLAIN_INPUT(3, 12, 13, 14, 15)                   \
      EK_FC_PLAIN_INPUT(4, 16, 17, 18, 19) EK_FC_PLAIN_INPUT(5, 20, 21, 22, 23)                 \
      EK_FC_PLAIN_INPUT(6, 24, 25, 26, 27) EK_FC_PLAIN_INPUT(7, 28, 29, 30, 31)                 \
      "adds r0, #8\nadds r1, #32\ncmp r0, r12\nbne 2b\n"                                        \
      "mov r8, r4\nmov r9, r5\nmov r10, r6\nmov r11, r7\nldr r3, [sp, #4]\n"                    \
      EK_FC_PLAIN_OUT(STEP, RECORD, r8, 0) EK_FC_PLAIN_OUT(STEP, RECORD, r9, 1)                 \
      EK_FC_PLAIN_OUT(STEP, RECORD, r10, 2) EK_FC_PLAIN_OUT(STEP, RECORD, r11, 3)               \
      "str r3, [sp, #4]\nadds r2, #4\nstr r2, [sp, #20]\n"                                      \
      "ldr r2, [sp, #16]\nsubs r2, #1\nstr r2, [sp, #16]\nbeq 4f\nb 1b\n"                       \
      "4:\n" EK_PLAIN_CLOSE(36))

EK_NAKED void ek_fc_plain_up(const uint8_t *x EK_UNUSED, const uint8_t *weights EK_UNUSED,
                             const ek_stepped *records EK_UNUSED, int8_t *out EK_UNUSED,
                             const ek_fc_plain_shape *s EK_UNUSED) {
  EK_FC_PLAIN_BODY(EK_STEP_UP, EK_RECORD_UP);
}
EK_NAKED void ek_fc_plain_away(const uint8_t *x EK_UNUSED, const uint8_t *weights EK_UNUSED,
                               const ek_stepped *records EK_UNUSED, int8_t *out EK_UNUSED,
                               const ek_fc_plain_shape *s EK_UNUSED) {
  EK_FC_PLAIN_BODY(EK_STEP_AWAY, EK_RECORD_AWAY);
}
#endif

#ifdef EK_RV32
/* The products and sums of four channels in registers. */
#define EK_FC_PLAIN_FOUR(k)                                                         \
  a += (uint32_t)at[k] * weights[4 * k], b += (uint32_t)at[k] * weights[4 * k + 1]; \
  c += (uint32_t)at[k] * weights[4 * k + 2], d += (uint32_t)at[k] * weights[4 * k + 3];
EK_OPTIMIZED void ek_fc_plain_rv32(const uint8_t *x, const uint8_t *weights,
                                   const ek_stepped *records, int8_t *out,
                                   const ek_fc_plain_shape *s) {
  for (int32_t four = 0; four < s->fours; ++four, records += 4, out += 4) {
    uint32_t a = 0, b = 0, c = 0, d = 0;
    const uint8_t *at = x, *end = x + s->inputs;
    for (; end - at >= 4; at += 4, weights += 16) {
      EK_FC_PLAIN_FOUR(0) EK_FC_PLAIN_FOUR(1) EK_FC_PLAIN_FOUR(2) EK_FC_PLAIN_FOUR(3)
    }
    for (; at < end; ++at, weights += 4) {
      EK_FC_PLAIN_FOUR(0)
    }
    const uint32_t sums[4] = {a, b, c, d};
    for (int32_t i = 0; i < 4; ++i) {
      const uint32_t start = (uint32_t)s->correction + (uint32_t)records[i].start;
      out[i] = ek_step((int32_t)(sums[i] + start), records + i);
    }
  }
}
#endif

typedef void (*ek_fc_plain_fn)(const uint8_t *, const uint8_t *, const ek_stepped *, int8_t *,
                               const ek_fc_plain_shape *);

EK_KERNEL ek_fc_plain_fn ek_fc_plain_for(int32_t away) {
#ifdef EK_THUMB
  return away ? ek_fc_plain_away : ek_fc_plain_up;
#elif defined(EK_RV32)
  (void)away;
  return ek_fc_plain_rv32;
#else
  (void)away;
  return ek_fc_plain_block_c;
#endif
}

EK_NOINLINE void ek_fc_plain_run(const ek_fc_plain_params *p, const int8_t *in, int8_t *out,
                                 const uint8_t *weights, const ek_stepped *records, uint8_t *x,
                                 ek_fc_plain_fn block) {
  const int32_t whole = p->out_c / 4 * 4;
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->out_c) {
    int32_t sum = 0;
    for (int32_t k = 0; k < p->depth; ++k) {
      const int32_t value = in[k] + 128;
      x[k] = (uint8_t)value;
      sum += value;
    }
    ek_fc_plain_shape shape = {p->depth, whole / 4, -128 * sum};
    if (whole > 0) block(x, weights, records, out, &shape);
    if (whole == p->out_c) continue;
    int8_t last[4];
    shape.fours = 1;
    block(x, weights + whole * p->depth, records + whole, last, &shape);
    memcpy(out + whole, last, (size_t)(p->out_c - whole));
  }
}

EK_KERNEL void ek_fc_plain(const ek_fc_plain_params *p, const int8_t *in, int8_t *out,
                           const uint8_t *weights, const ek_stepped *records, void *scratch) {
  ek_fc_plain_run(p, in, out, weights, records, (uint8_t *)scratch, ek_fc_plain_for(p->away));
}

#endif
