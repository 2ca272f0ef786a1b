/* SPDX-License-Identifier: Apache-2.0 */
/* What every port has whose wire is the PL011 and whose counter is the core's: all of ek_port.h but
   the chip's own ek_port_init and ek_port_bootloader. */
#include "ek_board.h"
#include "ek_cortex_m.h"
#include "ek_pl011.h"
#include "ek_port.h"

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  if (room == 0u) return 0;
  *data = ek_pl011_read();
  return 1;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  ek_pl011_write(data, length);
}

void ek_port_set_baud(uint32_t baud) {
  ek_pl011_drain();
  ek_pl011_start(EK_CLOCK_HZ, baud);
}

uint64_t ek_port_ticks(void) {
  return ek_cycles();
}

uint32_t ek_port_ticks_hz(void) {
  return EK_CLOCK_HZ;
}

const char *ek_port_counter_name(void) {
  return ek_cycles_name();
}

void ek_port_reset(void) {
  ek_pl011_drain();
  ek_cortex_m_reset();
}

ek_stack ek_port_stack(void) {
  return ek_cortex_m_stack();
}
