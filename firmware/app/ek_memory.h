/* SPDX-License-Identifier: Apache-2.0 */
/* How deep the stack has been: it is painted at the start, and the paint that is gone is counted.
 */
#ifndef EK_MEMORY_H
#define EK_MEMORY_H

#include <stdint.h>

/* Paints what lies below the caller's frame. Once, first thing in main. */
void ek_memory_start(void);
uint32_t ek_memory_stack_used(void);
uint32_t ek_memory_stack_reserved(void);

#endif
