/* SPDX-License-Identifier: Apache-2.0 */
/* The app as one task of ESP-IDF, on UART0, timed by the core's cycle counter. */
#include <stddef.h>

#include "driver/uart.h"
#include "esp_cpu.h"
#include "esp_rom_sys.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ek_app.h"
#include "ek_board.h"
#include "ek_port.h"

#ifndef EK_STACK_BYTES
#define EK_STACK_BYTES 16384u
#endif
#define LINE UART_NUM_0
#define DRIVER_BYTES 2048
#define APP_CORE 0
#define APP_PRIORITY 5

static StackType_t stack_area[EK_STACK_BYTES / sizeof(StackType_t)];
static StaticTask_t task;
static uint32_t first_cycle;
static int64_t first_us;

static void run(void *nothing) {
  (void)nothing;
  ek_app_start();
  for (;;) ek_app_serve();
}

/* A task of its own, pinned: its stack is known, and cycles are those of one core. */
void app_main(void) {
  (void)xTaskCreateStaticPinnedToCore(run, "edgekit", EK_STACK_BYTES, NULL, APP_PRIORITY,
                                      stack_area, &task, APP_CORE);
}

void ek_port_init(void) {
  const uart_config_t line = {
      .baud_rate = (int)EK_BAUD,
      .data_bits = UART_DATA_8_BITS,
      .parity = UART_PARITY_DISABLE,
      .stop_bits = UART_STOP_BITS_1,
      .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
      .source_clk = UART_SCLK_DEFAULT,
  };
  ESP_ERROR_CHECK(uart_driver_install(LINE, DRIVER_BYTES, 0, 0, NULL, 0));
  ESP_ERROR_CHECK(uart_param_config(LINE, &line));
  first_cycle = esp_cpu_get_cycle_count();
  first_us = esp_timer_get_time();
}

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  int count = 0;
  while (count <= 0) {
    size_t waiting = 0;
    (void)uart_get_buffered_data_len(LINE, &waiting);
    const uint32_t wanted = waiting == 0u ? 1u : (uint32_t)waiting;
    count = uart_read_bytes(LINE, data, wanted < room ? wanted : room, portMAX_DELAY);
  }
  return (uint32_t)count;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  while (length > 0u) {
    const int count = uart_write_bytes(LINE, data, length);
    if (count < 0) return;
    data += count;
    length -= (uint32_t)count;
  }
}

void ek_port_set_baud(uint32_t baud) {
  (void)uart_wait_tx_done(LINE, portMAX_DELAY);
  (void)uart_set_baudrate(LINE, baud);
}

/* The cycle counter has 32 bits and wraps within 30 s; the microsecond timer tells how often it
   has: both run from one crystal, and their difference is far below half a wrap. */
uint64_t ek_port_ticks(void) {
  const uint32_t low = esp_cpu_get_cycle_count() - first_cycle;
  const uint64_t us = (uint64_t)(esp_timer_get_time() - first_us);
  const uint64_t coarse = us * esp_rom_get_cpu_ticks_per_us();
  const uint64_t wraps = (coarse - low + 0x80000000u) >> 32;
  return (wraps << 32) + low;
}

uint32_t ek_port_ticks_hz(void) {
  return esp_rom_get_cpu_ticks_per_us() * 1000000u;
}

const char *ek_port_counter_name(void) {
  return "cpu-cycles";
}

void ek_port_reset(void) {
  esp_restart();
}

void ek_port_bootloader(void) {}

ek_stack ek_port_stack(void) {
  const ek_stack stack = {(uint8_t *)stack_area, sizeof stack_area};
  return stack;
}
