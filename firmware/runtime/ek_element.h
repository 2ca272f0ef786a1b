/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of integer tensors whose type is a parameter, constant where a kernel is compiled. */
#ifndef EK_ELEMENT_H
#define EK_ELEMENT_H

#include "ek_kernel.h"

EK_KERNEL int32_t ek_load(const void *from, int32_t i, int32_t bytes, int32_t is_signed) {
  if (bytes == 4) return ((const int32_t *)from)[i];
  if (bytes == 2) return ((const int16_t *)from)[i];
  return is_signed ? ((const int8_t *)from)[i] : ((const uint8_t *)from)[i];
}

/* `value` fits into a signed integer of that many bytes. */
EK_KERNEL void ek_store(void *to, int32_t i, int32_t bytes, int32_t value) {
  if (bytes == 4) {
    ((int32_t *)to)[i] = value;
  } else if (bytes == 2) {
    ((int16_t *)to)[i] = (int16_t)value;
  } else {
    ((int8_t *)to)[i] = (int8_t)value;
  }
}

#endif
