/* SPDX-License-Identifier: Apache-2.0 */
/* For chip ports, whose linker script has no heap: newlib's allocator is told so when it asks.
   Nothing of TFLite Micro allocates; parts of the C library that are linked with it could. */
#include <stddef.h>

void *_sbrk(ptrdiff_t bytes);

void *_sbrk(ptrdiff_t bytes) {
  (void)bytes;
  return (void *)-1;
}
