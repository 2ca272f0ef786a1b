/* SPDX-License-Identifier: Apache-2.0 */
/* Arm PrimeCell UART (PL011), TRM DDI 0183: in the RP2040, RP2350 and LM3S alike. The board file
   gives EK_UART_BASE and EK_UART_IRQ. */
#ifndef EK_PL011_H
#define EK_PL011_H

#include <stdint.h>

void ek_pl011_start(uint32_t clock_hz, uint32_t baud);
/* Waits for one byte. */
uint8_t ek_pl011_read(void);
void ek_pl011_write(const uint8_t *data, uint32_t length);
/* Waits until the last bit is out. */
void ek_pl011_drain(void);

#endif
