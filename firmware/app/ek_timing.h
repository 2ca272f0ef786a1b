/* SPDX-License-Identifier: Apache-2.0 */
/* Time of one call in ticks of the port's counter, without the cost of reading the counter. */
#ifndef EK_TIMING_H
#define EK_TIMING_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Watches the counter until it moves, and measures what two reads in a row cost. */
void ek_timing_start(void);
/* 0 where the counter was not seen moving. */
uint32_t ek_timing_hz(void);
/* Ticks between two reads with nothing in between; already taken off every result. */
uint32_t ek_timing_overhead(void);

/* Runs the call and returns its status; `*ticks` are from its entry to its return. */
int ek_timing_invoke(int (*invoke)(void), uint64_t *ticks);
int ek_timing_invoke_op(int (*invoke_op)(uint16_t op), uint16_t op, uint64_t *ticks);

#ifdef __cplusplus
}
#endif

#endif
