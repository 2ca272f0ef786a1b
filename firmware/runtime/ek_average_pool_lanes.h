/* SPDX-License-Identifier: Apache-2.0 */
/* AVERAGE_POOL_2D of channels in fours, summed in two words of two lanes: windows of at most 255.
 */
#ifndef EK_AVERAGE_POOL_LANES_H
#define EK_AVERAGE_POOL_LANES_H

#include "ek_average_pool_2d.h"
#include "ek_lanes.h"

typedef ek_pool_params ek_average_pool_lanes_params;

/* SXTAB16: bytes 0 and 2 of `word`, sign extended, added to the lanes of `sums`. */
EK_KERNEL int32_t ek_add_low_bytes(int32_t sums, uint32_t word) {
#ifdef EK_DSP
  int32_t result;
  __asm("sxtab16 %0, %1, %2" : "=r"(result) : "r"(sums), "r"(word));
  return result;
#else
  const int32_t bytes = ek_low_bytes((int32_t)word);
  return ek_pair(ek_lane0(sums) + ek_lane0(bytes), ek_lane1(sums) + ek_lane1(bytes));
#endif
}

/* The same of bytes 1 and 3. */
EK_KERNEL int32_t ek_add_high_bytes(int32_t sums, uint32_t word) {
#ifdef EK_DSP
  int32_t result;
  __asm("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(sums), "r"(word));
  return result;
#else
  return ek_add_low_bytes(sums, word >> 8 | word << 24);
#endif
}

EK_KERNEL uint32_t ek_pool_word(const int8_t *at) {
  uint32_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

EK_KERNEL int8_t ek_pool_mean(const ek_pool_params *p, int32_t sum, int32_t count) {
  return (int8_t)ek_clamp(ek_rounded_mean(sum, count), p->low, p->high);
}

/* Four channels of one window, `in` at its first pixel. */
EK_KERNEL void ek_pool_four(const ek_pool_params *p, const int8_t *in, int8_t *out, int32_t height,
                            int32_t width) {
  const int32_t count = height * width, step = p->channels;
  int32_t even = 0, odd = 0;
  if (width == p->in_w) { /* rows lie one behind the other */
    width = count;
    height = 1;
  }
  for (int32_t y = 0; y < height; ++y, in += p->in_w * step) {
    const int8_t *at = in;
    int32_t left = width;
    for (; left >= 4; left -= 4, at += 4 * step) {
      const uint32_t words[4] = {ek_pool_word(at), ek_pool_word(at + step),
                                 ek_pool_word(at + 2 * step), ek_pool_word(at + 3 * step)};
      even = ek_add_low_bytes(ek_add_low_bytes(even, words[0]), words[1]);
      odd = ek_add_high_bytes(ek_add_high_bytes(odd, words[0]), words[1]);
      even = ek_add_low_bytes(ek_add_low_bytes(even, words[2]), words[3]);
      odd = ek_add_high_bytes(ek_add_high_bytes(odd, words[2]), words[3]);
    }
    for (; left > 0; --left, at += step) {
      even = ek_add_low_bytes(even, ek_pool_word(at));
      odd = ek_add_high_bytes(odd, ek_pool_word(at));
    }
  }
  out[0] = ek_pool_mean(p, ek_lane0(even), count);
  out[1] = ek_pool_mean(p, ek_lane0(odd), count);
  out[2] = ek_pool_mean(p, ek_lane1(even), count);
  out[3] = ek_pool_mean(p, ek_lane1(odd), count);
}

EK_NOINLINE void ek_average_pool_lanes_run(const ek_pool_params *p, const int8_t *in, int8_t *out) {
  for (int32_t b = 0; b < p->batches; ++b, in += p->in_h * p->in_w * p->channels) {
    for (int32_t pixel = 0; pixel < p->out_h * p->out_w; ++pixel, out += p->channels) {
      const ek_window win = ek_window_at(pixel / p->out_w * p->stride_h - p->pad_top,
                                         pixel % p->out_w * p->stride_w - p->pad_left, p->k_h,
                                         p->k_w, 1, 1, p->in_h, p->in_w);
      const int8_t *from = in + ((win.top + win.ky0) * p->in_w + win.left + win.kx0) * p->channels;
      for (int32_t c = 0; c < p->channels; c += 4) {
        ek_pool_four(p, from + c, out + c, win.ky1 - win.ky0, win.kx1 - win.kx0);
      }
    }
  }
}

EK_KERNEL void ek_average_pool_lanes(const ek_pool_params *p, const int8_t *in, int8_t *out) {
  ek_average_pool_lanes_run(p, in, out);
}

#endif
