/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 CONV_2D of stride 1 by integer Winograd F(4x4, 3x3), for cores with plain 32-bit products.
 *
 * Four tiles of 4x4 outputs at a time: their inputs are transformed for all channels, then each
 * output channel takes 36 sums of products, which make 576 times its sums: modulo 2^32 all of it is
 * exact, and so is the way back (9 has an inverse, 64 is a shift). Matrices: Lavin and Gray, "Fast
 * Algorithms for Convolutional Neural Networks", with the fractions taken to the outputs' side.
 */
#ifndef EK_WINOGRAD_PLAIN_H
#define EK_WINOGRAD_PLAIN_H

#include "ek_winograd_ends.h"

/* out[p][tile] for 36 positions: sums over the channels of v[p][channel][4 tiles] times
 * u[p][channel], an even number of channels. */
EK_NOINLINE void ek_winograd_sums_c(uint32_t *out, const int32_t *v, const int16_t *u,
                                    int32_t channels) {
  for (int32_t p = 0; p < 36; ++p, out += 4) {
    out[0] = out[1] = out[2] = out[3] = 0;
    for (int32_t c = 0; c < channels; ++c, v += 4, ++u) {
      for (int32_t t = 0; t < 4; ++t) out[t] += (uint32_t)v[t] * (uint32_t)(int32_t)*u;
    }
  }
}

#ifdef EK_THUMB
/* Register plan: r8-r11 sums of the tiles, r0 v, r1 u, r2 two filter values, r3 one, r4-r7 inputs;
 * r12 end of v's position, lr its bytes. On the stack: 0 out, 4 positions left. 21 instructions for
 * eight products. */
#define EK_WINOGRAD_TILES "ldmia r0!, {r4-r7}\n" EK_MACS
#define EK_WINOGRAD_TWO \
  "ldmia r1!, {r2}\nsxth r3, r2\n" EK_WINOGRAD_TILES "asrs r3, r2, #16\n" EK_WINOGRAD_TILES
EK_NAKED void ek_winograd_sums_asm(uint32_t *out EK_UNUSED, const int32_t *v EK_UNUSED,
                                   const int16_t *u EK_UNUSED, int32_t channels EK_UNUSED) {
  __asm volatile(EK_PLAIN_OPEN(
      12) "str r0, [sp]\nmovs r0, r1\nmovs r1, r2\nlsls r3, r3, #4\nmov lr, r3\n"
          "movs r4, #36\nstr r4, [sp, #4]\n"
          "1: movs r4, #0\nmov r8, r4\nmov r9, r4\nmov r10, r4\nmov r11, r4\n"
          "mov r4, lr\nadds r4, r0\nmov r12, r4\n"
          "2:\n" EK_WINOGRAD_TWO "cmp r0, r12\nbeq 3f\n" EK_WINOGRAD_TWO
          "cmp r0, r12\nbne 2b\n"
          "3: ldr r3, [sp]\nmov r4, r8\nmov r5, r9\nmov r6, r10\nmov r7, r11\n"
          "stmia r3!, {r4-r7}\nstr r3, [sp]\n"
          "ldr r4, [sp, #4]\nsubs r4, #1\nstr r4, [sp, #4]\nbne 1b\n" EK_PLAIN_CLOSE(12));
}
#endif

#ifdef EK_RV32
/* Two channels at a time, the sums of the tiles in registers. */
#define EK_WINOGRAD_ONE(n)     \
  f = (uint32_t)(int32_t)u[n]; \
  a += v[4 * n] * f, b += v[4 * n + 1] * f, c += v[4 * n + 2] * f, d += v[4 * n + 3] * f;
EK_OPTIMIZED void ek_winograd_sums_rv32(uint32_t *out, const uint32_t *v, const int16_t *u,
                                        int32_t channels) {
  for (int32_t p = 0; p < 36; ++p, out += 4) {
    uint32_t a = 0, b = 0, c = 0, d = 0;
    for (const int16_t *end = u + channels; u < end; u += 2, v += 8) {
      uint32_t f;
      EK_WINOGRAD_ONE(0) EK_WINOGRAD_ONE(1)
    }
    out[0] = a, out[1] = b, out[2] = c, out[3] = d;
  }
}
#endif

EK_KERNEL void ek_winograd_sums(uint32_t *out, const int32_t *v, const int16_t *u,
                                int32_t channels) {
#ifdef EK_THUMB
  ek_winograd_sums_asm(out, v, u, channels);
#elif defined(EK_RV32)
  ek_winograd_sums_rv32(out, (const uint32_t *)v, u, channels);
#else
  ek_winograd_sums_c(out, v, u, channels);
#endif
}

/* Up to four tiles from number `tile` on. */
EK_NOINLINE void ek_winograd_tiles(const ek_winograd_plain_params *p, const int8_t *in, int8_t *out,
                                   const int16_t *filters, const ek_stepped *records, int32_t *v,
                                   int32_t tile, int32_t count, ek_step_grid_fn put) {
  const int32_t across = (p->out_w + 3) / 4;
  uint32_t *m = (uint32_t *)(v + 144 * p->in_c);
  for (int32_t t = 0; t < count; ++t) {
    const int32_t y = (tile + t) / across * 4, x = (tile + t) % across * 4;
    ek_winograd_inputs(p, in, v + t, y - p->pad_top, x - p->pad_left);
  }
  for (int32_t c = 0; c < p->out_c; ++c, filters += 36 * p->in_c) {
    ek_winograd_sums(m, v, filters, p->in_c);
    for (int32_t t = 0; t < count; ++t) {
      const int32_t y = (tile + t) / across * 4, x = (tile + t) % across * 4;
      uint32_t sums[16];
      ek_winograd_outputs(m + t, sums);
      const ek_step_grid grid = {ek_min(p->out_h - y, 4), ek_min(p->out_w - x, 4), p->out_c,
                                 p->out_w * p->out_c};
      put(sums, records + c, out + (y * p->out_w + x) * p->out_c + c, &grid);
    }
  }
}

EK_KERNEL void ek_winograd_plain(const ek_winograd_plain_params *p, const int8_t *in, int8_t *out,
                                 const int16_t *filters, const ek_stepped *records, void *scratch) {
  const int32_t tiles = (p->out_h + 3) / 4 * ((p->out_w + 3) / 4);
  for (int32_t b = 0; b < p->batches; ++b) {
    for (int32_t tile = 0; tile < tiles; tile += 4) {
      ek_winograd_tiles(p, in, out, filters, records, (int32_t *)scratch, tile,
                        ek_min(tiles - tile, 4), ek_step_grid_for(p->away));
    }
    in += p->in_h * p->in_w * p->in_c;
    out += p->out_h * p->out_w * p->out_c;
  }
}

#endif
