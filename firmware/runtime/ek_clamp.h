/* SPDX-License-Identifier: Apache-2.0 */
/* A fused activation that narrowing to int8 does not already imply. */
#ifndef EK_CLAMP_H
#define EK_CLAMP_H

#include "ek_asm.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__GNUC__) && !defined(EK_PORTABLE)
#define EK_CLAMP_WORDS 1
/* Four bytes; `low` and `high` are four times the same. SSUB8 tells SEL which byte is larger. */
EK_KERNEL uint32_t ek_clamp_word(uint32_t x, uint32_t low, uint32_t high) {
  uint32_t difference;
  __asm("ssub8 %1, %0, %2\nsel %0, %0, %2\nssub8 %1, %3, %0\nsel %0, %0, %3"
        : "+r"(x), "=&r"(difference)
        : "r"(low), "r"(high));
  return x;
}
#endif

/* In place; saturation to int8 before it changes nothing, the range lies within. */
EK_NOINLINE void ek_clamp_bytes(int8_t *data, int32_t count, int32_t low, int32_t high) {
  int32_t i = 0;
#if defined(EK_HELIUM)
  i = count;
  __asm volatile(
      "vdup.8 q1, %2\nvdup.8 q2, %3\nwlstp.8 lr, %1, 2f\n"
      "1: vldrb.8 q0, [%0]\nvmax.s8 q0, q0, q1\nvmin.s8 q0, q0, q2\n"
      "vstrb.8 q0, [%0], #16\nletp lr, 1b\n"
      "2:\n"
      : "+r"(data)
      : "r"(count), "r"(low), "r"(high)
      : "lr", "q0", "q1", "q2", "memory");
#elif defined(EK_CLAMP_WORDS)
  const uint32_t lows = ((uint32_t)low & 0xFFu) * 0x01010101u;
  const uint32_t highs = ((uint32_t)high & 0xFFu) * 0x01010101u;
  for (; i + 4 <= count; i += 4) {
    uint32_t word;
    memcpy(&word, data + i, sizeof word);
    word = ek_clamp_word(word, lows, highs);
    memcpy(data + i, &word, sizeof word);
  }
#endif
  for (; i < count; ++i) data[i] = (int8_t)ek_clamp(data[i], low, high);
}

/* The range is a constant at each call: nothing is left of it where int8 is clamp enough. */
EK_KERNEL void ek_clamp_all(int8_t *data, int32_t count, int32_t low, int32_t high) {
  if (low > -128 || high < 127) ek_clamp_bytes(data, count, low, high);
}

#endif
