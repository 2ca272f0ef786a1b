/* SPDX-License-Identifier: Apache-2.0 */
/* What a chip port offers: a byte stream, a counter, a stack and a way to start anew. */
#ifndef EK_PORT_H
#define EK_PORT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void ek_port_init(void);

/* Waits until at least one byte is there, then takes at most `room` bytes. It waits without a
   limit: a device has nothing better to do, and a half frame is closed by the next zero byte. */
uint32_t ek_port_read(uint8_t *data, uint32_t room);
/* Returns when every byte is handed to the wire. */
void ek_port_write(const uint8_t *data, uint32_t length);
/* Waits until the last bit is out, then changes the line's rate; a line without one stays as it
   is. The port starts at EK_BAUD. */
void ek_port_set_baud(uint32_t baud);

/* A counter that runs up, 64 bits wide whatever the hardware has. */
uint64_t ek_port_ticks(void);
uint32_t ek_port_ticks_hz(void);
const char *ek_port_counter_name(void);

/* Starts the firmware anew; does not return. */
void ek_port_reset(void);
/* Enters the chip's loader; returns where there is none. */
void ek_port_bootloader(void);

/* Lowest address and length of the stack reserved for the application; it grows down. 0 bytes
   where the port cannot know: then no mark is set, and none is read. */
typedef struct {
  uint8_t *low;
  uint32_t bytes;
} ek_stack;
ek_stack ek_port_stack(void);

#ifdef __cplusplus
}
#endif

#endif
