/* SPDX-License-Identifier: Apache-2.0 */
#include "ek_bytes.h"

#include <string.h>

#include "ek_messages.h"
#include "ek_model.h"

uint8_t *ek_put_uint(uint8_t *at, uint32_t value, uint32_t bytes) {
  for (; bytes > 0u; bytes--) {
    *at++ = (uint8_t)(value & 0xFFu);
    value >>= 8;
  }
  return at;
}

uint8_t *ek_put_u64(uint8_t *at, uint64_t value) {
  at = ek_put_uint(at, (uint32_t)(value & 0xFFFFFFFFu), 4);
  return ek_put_uint(at, (uint32_t)(value >> 32), 4);
}

uint8_t *ek_put_f32(uint8_t *at, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return ek_put_uint(at, bits, 4);
}

uint8_t *ek_put_dims(uint8_t *at, const int32_t *dims) {
  for (uint32_t i = 0; i < EK_MAX_RANK; i++) at = ek_put_uint(at, (uint32_t)dims[i], 4);
  return at;
}

uint8_t *ek_put_text(uint8_t *at, const char *text) {
  uint8_t *length = at++;
  uint8_t count = 0;
  while (count < EK_MAX_TEXT && text[count] != '\0') {
    *at++ = (uint8_t)text[count++];
  }
  *length = count;
  return at;
}

uint32_t ek_get_uint(const uint8_t *at, uint32_t bytes) {
  uint32_t value = 0;
  while (bytes > 0u) value = (value << 8) | at[--bytes];
  return value;
}
