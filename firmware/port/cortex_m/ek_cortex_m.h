/* SPDX-License-Identifier: Apache-2.0 */
/* Registers that every Cortex-M has. Addresses: Arm v7-M and v8-M Architecture Reference
   Manuals, System Control Space. */
#ifndef EK_CORTEX_M_H
#define EK_CORTEX_M_H

#include <stddef.h>
#include <stdint.h>

#include "ek_port.h"

#define EK_REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Interrupts are masked for good: an enabled one that is pending ends a sleep, and no handler
   runs. It stays pending until its source is quiet and then its mark is cleared. */
void ek_cortex_m_enable_wake(uint32_t irq);
void ek_cortex_m_clear_wake(uint32_t irq);
void ek_cortex_m_sleep(void);
/* The same for ports that count by SysTick, whose interrupt is taken: sleeps until `irq`, or
   SysTick, or anything else. Call it in a loop that looks whether what it waits for is there. */
void ek_cortex_m_nap(uint32_t irq);
/* Masks interrupts; `unmask` takes what `mask` returned. */
uint32_t ek_cortex_m_mask(void);
void ek_cortex_m_unmask(uint32_t masked);
void ek_cortex_m_reset(void);
ek_stack ek_cortex_m_stack(void);

/* Turns the caches of a Cortex-M7 on. */
void ek_cortex_m7_caches(void);

/* Cycles of the core since ek_cycles_start: by the DWT's counter where it is seen to move, else
   by SysTick. 64 bits wide: SysTick's interrupt, every 2^24 cycles, keeps account of wraps. */
void ek_cycles_start(void);
uint64_t ek_cycles(void);
const char *ek_cycles_name(void);
void ek_cycles_tick(void);

#endif
