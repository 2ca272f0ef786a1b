/* SPDX-License-Identifier: Apache-2.0 */
#include "ek_text_out.h"

#include <string.h>

#include "ek_board.h"

#ifdef EK_TEXT_TASK

#include "ek_port.h"

#define MOST_DIGITS 20u
#define BEYOND 4.0e9f /* 64 bits from a float, and back, would take the soft doubles along */

void ek_text_put(const char *text) {
  ek_port_write((const uint8_t *)text, (uint32_t)strlen(text));
}

void ek_text_put_uint(uint64_t value) {
  char digits[MOST_DIGITS + 1u];
  uint32_t at = MOST_DIGITS;
  digits[at] = '\0';
  do {
    digits[--at] = (char)('0' + (int)(value % 10u));
    value /= 10u;
  } while (value > 0u);
  ek_text_put(digits + at);
}

void ek_text_put_hex(uint8_t byte) {
  static const char digits[] = "0123456789abcdef";
  const char text[] = {digits[byte >> 4], digits[byte & 15u], '\0'};
  ek_text_put(text);
}

void ek_text_put_float(float value) {
  const float size = value < 0.0f ? -value : value;
  if (!(size < BEYOND)) {
    ek_text_put(size == size ? "inf" : "nan");
    return;
  }
  /* Whole and fraction apart: their difference is exact, their product with 1000 would not be. */
  uint32_t whole = (uint32_t)size;
  uint32_t thousandths = (uint32_t)((size - (float)whole) * 1000.0f + 0.5f);
  if (thousandths == 1000u) {
    whole++;
    thousandths = 0;
  }
  const char text[] = {'.', (char)('0' + (int)(thousandths / 100u)),
                       (char)('0' + (int)(thousandths / 10u % 10u)),
                       (char)('0' + (int)(thousandths % 10u)), '\0'};
  if (value < 0.0f) ek_text_put("-");
  ek_text_put_uint(whole);
  ek_text_put(text);
}

void ek_text_end_line(void) {
  ek_text_put("\r\n");
}

#endif
