/* SPDX-License-Identifier: Apache-2.0 */
#include "ek_frame.h"

#include "ek_port.h"

#define EK_LONGEST_RUN 254u

/* CRC-32, polynomial 0xEDB88320 reflected, four bits at a step: 64 bytes of table, not 1024. */
static const uint32_t crc_of_nibble[16] = {0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu,
                                           0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
                                           0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
                                           0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};

uint32_t ek_crc32(const uint8_t *data, uint32_t length) {
  uint32_t crc = 0xFFFFFFFFu;
  for (uint32_t i = 0; i < length; i++) {
    crc ^= data[i];
    crc = (crc >> 4) ^ crc_of_nibble[crc & 15u];
    crc = (crc >> 4) ^ crc_of_nibble[crc & 15u];
  }
  return ~crc;
}

static ek_frame_state close_frame(ek_frame_reader *reader) {
  const int empty = reader->code == 0u;
  const int whole = !reader->spoiled && reader->left == 0u;
  const uint32_t length = reader->length;
  reader->code = 0;
  reader->left = 0;
  reader->spoiled = 0;
  if (empty) return EK_FRAME_MORE;
  if (!whole || length < EK_OLDEST_HEADER_BYTES + EK_CRC_BYTES) return EK_FRAME_DAMAGED;
  reader->length = length - EK_CRC_BYTES;
  if (ek_crc32(reader->bytes, reader->length) !=
      ek_get_uint(reader->bytes + reader->length, EK_CRC_BYTES)) {
    return EK_FRAME_DAMAGED;
  }
  return EK_FRAME_READY;
}

static void keep(ek_frame_reader *reader, uint8_t byte) {
  if (reader->length == EK_FRAME_BYTES) {
    reader->spoiled = 1;
  } else {
    reader->bytes[reader->length++] = byte;
  }
}

ek_frame_state ek_frame_feed(ek_frame_reader *reader, uint8_t byte) {
  if (byte == 0u) return close_frame(reader);
  if (reader->left > 0u) {
    reader->left--;
    keep(reader, byte);
    return EK_FRAME_MORE;
  }
  /* A new block: the one before it, unless it was a full one, stood for a zero. */
  if (reader->code == 0u) {
    reader->length = 0;
  } else if (reader->code <= EK_LONGEST_RUN) {
    keep(reader, 0);
  }
  reader->code = byte;
  reader->left = (uint8_t)(byte - 1u);
  return EK_FRAME_MORE;
}

int ek_frame_idle(const ek_frame_reader *reader) {
  return reader->code == 0u;
}

uint8_t *ek_frame_begin(uint8_t *frame, uint8_t kind, uint16_t request_id, uint32_t session) {
  frame[EK_AT_VERSION] = (uint8_t)EK_PROTOCOL_VERSION;
  frame[EK_AT_KIND] = kind;
  frame[EK_AT_ZERO] = 0;
  (void)ek_put_uint(frame + EK_AT_REQUEST_ID, request_id, 2);
  return ek_put_uint(frame + EK_AT_SESSION, session, 4);
}

void ek_frame_send(uint8_t *frame, uint32_t length) {
  (void)ek_put_uint(frame + length, ek_crc32(frame, length), EK_CRC_BYTES);
  length += EK_CRC_BYTES;
  uint32_t at = 0;
  int open = 1; /* a block is due: at the start, and after each zero */
  while (at < length || open) {
    uint32_t run = 0;
    while (at + run < length && run < EK_LONGEST_RUN && frame[at + run] != 0u) run++;
    const uint8_t code = (uint8_t)(run + 1u);
    ek_port_write(&code, 1);
    ek_port_write(frame + at, run);
    at += run;
    open = run < EK_LONGEST_RUN && at < length;
    if (open) at++; /* the zero that this block's code stands for */
  }
  const uint8_t end = 0;
  ek_port_write(&end, 1);
}
