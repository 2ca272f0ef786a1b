/* SPDX-License-Identifier: Apache-2.0 */
/* The app as Zephyr's main thread, on the console's UART, timed by the timing functions. */
#include <zephyr/device.h>
#include <zephyr/devicetree.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/reboot.h>
#include <zephyr/timing/timing.h>

#include "ek_port.h"

static const struct device *const line = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));
static timing_t last;
static uint64_t ticks;

void ek_port_init(void) {
  timing_init();
  timing_start();
  last = timing_counter_get();
}

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  uint32_t count = 0;
  while (count == 0u) {
    while (count < room && uart_poll_in(line, &data[count]) == 0) count++;
    if (count == 0u) k_yield();
  }
  return count;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) uart_poll_out(line, data[i]);
}

/* Zephyr's poll-out returns when the byte is in the transmitter; two byte times empty it. */
void ek_port_set_baud(uint32_t baud) {
  struct uart_config config;
  k_sleep(K_MSEC(2));
  if (uart_config_get(line, &config) != 0) return;
  config.baudrate = baud;
  (void)uart_configure(line, &config);
}

/* Many of these counters have 32 bits: what has passed since the last reading is added up, and
   timing_cycles_get() takes care of a wrap in between. */
uint64_t ek_port_ticks(void) {
  timing_t now = timing_counter_get();
  ticks += timing_cycles_get(&last, &now);
  last = now;
  return ticks;
}

uint32_t ek_port_ticks_hz(void) {
  return (uint32_t)timing_freq_get();
}

const char *ek_port_counter_name(void) {
  return "zephyr-timing";
}

void ek_port_reset(void) {
  sys_reboot(SYS_REBOOT_COLD);
}

void ek_port_bootloader(void) {}

ek_stack ek_port_stack(void) {
  const struct k_thread *const thread = k_current_get();
  const ek_stack stack = {(uint8_t *)thread->stack_info.start, (uint32_t)thread->stack_info.size};
  return stack;
}
