/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian numbers and short texts in byte buffers, for any alignment and byte order. */
#ifndef EK_BYTES_H
#define EK_BYTES_H

#include <stdint.h>

/* Each put returns the address after what it wrote. `bytes` is 1 to 4. */
uint8_t *ek_put_uint(uint8_t *at, uint32_t value, uint32_t bytes);
uint8_t *ek_put_u64(uint8_t *at, uint64_t value);
uint8_t *ek_put_f32(uint8_t *at, float value);
uint8_t *ek_put_dims(uint8_t *at, const int32_t *dims);
/* One length byte, then at most EK_MAX_TEXT bytes of `text`. */
uint8_t *ek_put_text(uint8_t *at, const char *text);
uint32_t ek_get_uint(const uint8_t *at, uint32_t bytes);

#endif
