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
void ek_cortex_m_reset(void);
ek_stack ek_cortex_m_stack(void);

#endif
