/* SPDX-License-Identifier: Apache-2.0 */
/* The app on the Pico SDK: USB as the line, the microsecond timer as the counter. */
#include <stdio.h>

#include "hardware/watchdog.h"
#include "pico/bootrom.h"
#include "pico/stdlib.h"

#include "ek_port.h"

/* Named by the SDK's linker scripts. */
extern uint8_t __StackBottom[], __StackTop[];

void ek_port_init(void) {
  (void)stdio_init_all();
}

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  uint32_t count = 0;
  while (count == 0u) {
    int byte = 0;
    while (count < room && (byte = getchar_timeout_us(0)) >= 0) data[count++] = (uint8_t)byte;
    tight_loop_contents();
  }
  return count;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) (void)putchar_raw(data[i]);
  stdio_flush();
}

/* USB has no rate. */
void ek_port_set_baud(uint32_t baud) {
  (void)baud;
}

uint64_t ek_port_ticks(void) {
  return time_us_64();
}

uint32_t ek_port_ticks_hz(void) {
  return 1000000u;
}

const char *ek_port_counter_name(void) {
  return "pico-timer-us";
}

void ek_port_reset(void) {
  watchdog_reboot(0, 0, 0);
  for (;;) tight_loop_contents();
}

void ek_port_bootloader(void) {
  reset_usb_boot(0, 0);
}

ek_stack ek_port_stack(void) {
  const ek_stack stack = {__StackBottom, (uint32_t)(__StackTop - __StackBottom)};
  return stack;
}
