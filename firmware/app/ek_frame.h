/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: COBS( version, kind, request id LE, payload, CRC-32 LE ) + 00, decoded as bytes come. */
#ifndef EK_FRAME_H
#define EK_FRAME_H

#include <stdint.h>

#include "ek_messages.h"

#define EK_HEADER_BYTES 4u
#define EK_CRC_BYTES 4u
#define EK_FRAME_BYTES (EK_HEADER_BYTES + EK_MAX_PAYLOAD + EK_CRC_BYTES)

typedef enum { EK_FRAME_MORE, EK_FRAME_READY, EK_FRAME_DAMAGED } ek_frame_state;

typedef struct {
  uint32_t length; /* decoded bytes so far; READY: without the CRC */
  uint8_t left;    /* bytes left in this COBS block */
  uint8_t code;    /* of this block; 0 before the first */
  uint8_t spoiled; /* too long, or cut inside a block */
  uint8_t bytes[EK_FRAME_BYTES];
} ek_frame_reader;

/* Takes one byte off the wire. After READY or DAMAGED the next byte starts a new frame;
   `bytes` and `length` of a READY frame hold until then. */
ek_frame_state ek_frame_feed(ek_frame_reader *reader, uint8_t byte);

/* Puts the CRC after the `length` bytes in `frame` (room for it is needed), then writes the
   encoded frame to the port. */
void ek_frame_send(uint8_t *frame, uint32_t length);

/* zlib's CRC-32. */
uint32_t ek_crc32(const uint8_t *data, uint32_t length);

#endif
