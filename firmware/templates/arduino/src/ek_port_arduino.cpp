/* SPDX-License-Identifier: Apache-2.0 */
/* The app on any Arduino core: `Serial`, and micros() as the counter. */
#include <Arduino.h>

#include "ek_board.h"
#include "ek_port.h"

#if defined(__arm__)
extern "C" void NVIC_SystemReset(void);
#endif

void ek_port_init(void) {
  Serial.begin(EK_BAUD);
}

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  uint32_t count = 0;
  while (count == 0u) {
    while (count < room && Serial.available() > 0) {
      const int byte = Serial.read();
      if (byte >= 0) data[count++] = static_cast<uint8_t>(byte);
    }
    if (count == 0u) yield();  // lets the core's USB and watchdog run
  }
  return count;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  while (length > 0u) {
    const size_t count = Serial.write(data, static_cast<size_t>(length));
    data += count;
    length -= static_cast<uint32_t>(count);
  }
}

void ek_port_set_baud(uint32_t baud) {
  Serial.flush();
  Serial.begin(baud);
}

/* micros() wraps after 71 minutes; the app reads it more often than that, and no inference lasts
   as long. */
uint64_t ek_port_ticks(void) {
  static uint32_t last;
  static uint32_t wraps;
  const uint32_t now = micros();
  if (now < last) wraps++;
  last = now;
  return (static_cast<uint64_t>(wraps) << 32) | now;
}

uint32_t ek_port_ticks_hz(void) {
  return 1000000u;
}

const char *ek_port_counter_name(void) {
  return "arduino-micros";
}

void ek_port_reset(void) {
#if defined(ESP_PLATFORM)
  ESP.restart();
#elif defined(ARDUINO_ARCH_MBED)
  NVIC_SystemReset();
#elif defined(ARDUINO_ARCH_RP2040)
  rp2040.reboot();
#elif defined(__arm__)
  /* Application Interrupt and Reset Control Register, Arm v7-M Architecture Reference Manual. */
  *reinterpret_cast<volatile uint32_t *>(0xE000ED0Cul) = 0x05FA0004ul;
  for (;;) {
  }
#else
  void (*start)(void) = nullptr;  // AVR: the reset vector lies at 0
  start();
#endif
}

void ek_port_bootloader(void) {}

/* Cores place and size their stacks each in their own way: not known here. */
ek_stack ek_port_stack(void) {
  const ek_stack stack = {nullptr, 0};
  return stack;
}
