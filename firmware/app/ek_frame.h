/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: COBS( version, kind, 00, request id u16 LE, session u32 LE, payload, CRC-32 LE ) + 00,
   decoded as bytes come. The zero in the header makes every frame begin with EK_FRAME_FIRST. */
#ifndef EK_FRAME_H
#define EK_FRAME_H

#include <stdint.h>

#include "ek_messages.h"

#define EK_FRAME_FIRST 3u /* the first byte of every frame on the wire; no text has it */
#define EK_AT_VERSION 0u
#define EK_AT_KIND 1u
#define EK_AT_ZERO 2u
#define EK_AT_REQUEST_ID 3u
#define EK_AT_SESSION 5u
#define EK_HEADER_BYTES 9u
/* Versions 1 and 2 had shorter ones: their frames are whole, and are refused by their version. */
#define EK_OLDEST_HEADER_BYTES 4u
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
   `bytes` and `length` of a READY frame hold until then. READY frames have at least
   EK_OLDEST_HEADER_BYTES. */
ek_frame_state ek_frame_feed(ek_frame_reader *reader, uint8_t byte);

/* Whether the next byte begins a frame, and no frame is open. */
int ek_frame_idle(const ek_frame_reader *reader);

/* Writes the header to `frame` and returns where the payload goes. */
uint8_t *ek_frame_begin(uint8_t *frame, uint8_t kind, uint16_t request_id, uint32_t session);

/* Puts the CRC after the `length` bytes in `frame` (room for it is needed), then writes the
   encoded frame to the port. */
void ek_frame_send(uint8_t *frame, uint32_t length);

/* zlib's CRC-32. */
uint32_t ek_crc32(const uint8_t *data, uint32_t length);

#endif
