/* SPDX-License-Identifier: Apache-2.0 */
#include "ek_memory.h"

#include "ek_port.h"

#define EK_PAINT 0xA5u
/* Left unpainted below the painting function's own locals: its frame and the leaf calls in it. */
#define EK_PAINT_MARGIN 256u

#if defined(__SANITIZE_ADDRESS__)
#define EK_RAW_STACK __attribute__((no_sanitize_address, noinline))
#else
#define EK_RAW_STACK __attribute__((noinline))
#endif

EK_RAW_STACK void ek_memory_start(void) {
  const ek_stack stack = ek_port_stack();
  volatile uint8_t here = 0;
  volatile uint8_t *at = stack.low;
  const uintptr_t stop = (uintptr_t)&here - EK_PAINT_MARGIN;
  if (stack.bytes == 0u) return;
  while ((uintptr_t)at < stop) *at++ = EK_PAINT;
}

EK_RAW_STACK uint32_t ek_memory_stack_used(void) {
  const ek_stack stack = ek_port_stack();
  const volatile uint8_t *at = stack.low;
  uint32_t untouched = 0;
  while (untouched < stack.bytes && at[untouched] == EK_PAINT) untouched++;
  return stack.bytes - untouched;
}

uint32_t ek_memory_stack_reserved(void) {
  return ek_port_stack().bytes;
}
