/* SPDX-License-Identifier: Apache-2.0 */
/* Text onto the wire, without printf: it costs flash, and newlib's small one has no 64 bits. */
#ifndef EK_TEXT_OUT_H
#define EK_TEXT_OUT_H

#include <stdint.h>

void ek_text_put(const char *text);
void ek_text_put_uint(uint64_t value);
void ek_text_put_hex(uint8_t byte);
/* Three decimals, halves away from zero; "nan", and from 4e9 on "inf". */
void ek_text_put_float(float value);
void ek_text_end_line(void);

#endif
