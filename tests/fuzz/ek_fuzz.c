/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes into the app's frame and command code, under sanitizers, and every byte of its answers
   checked. The first byte of the input chooses: bit 0 set, the rest goes to the line as it is; bit
   0 clear, the rest are records (kind, how, length, payload) that become whole frames, for no
   fuzzer finds a CRC by chance. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ek_commands.h"
#include "ek_frame.h"
#include "ek_port.h"
#include "ek_session.h"

#define HOW_STRANGE 1u /* another session */
#define HOW_LATE 2u    /* an id that was served before */
#define HOW_LONG 4u    /* the payload eight times over */
#define HOW_CUT 8u     /* without its last bytes */
#define HOW_VERSION 16u
#define HOW_DAMAGED 32u /* a wrong CRC */
#define HOW_SHORT 64u   /* whole, but shorter than a header */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *line;
static uint32_t line_left;
static uint8_t said[4096];
static uint32_t said_length;
static uint32_t answers;
static uint32_t refusals; /* of these, those that say "damaged" and belong to no request */

static void expect(int holds) {
  if (!holds) abort();
}

/* CRC-32 a second time, bit by bit. */
static uint32_t crc(const uint8_t *at, uint32_t length) {
  uint32_t sum = 0xFFFFFFFFu;
  for (uint32_t i = 0; i < length * 8u; i++) {
    const uint32_t bit = (sum ^ (uint32_t)(at[i / 8u] >> (i % 8u))) & 1u;
    sum = (sum >> 1) ^ (bit != 0u ? 0xEDB88320u : 0u);
  }
  return ~sum;
}

/* COBS a second time; returns the decoded length, 0 for what is no encoding. */
static uint32_t decode(const uint8_t *in, uint32_t length, uint8_t *out) {
  uint32_t count = 0;
  for (uint32_t at = 0; at < length;) {
    const uint8_t code = in[at];
    if (code == 0u || at + code > length) return 0;
    memcpy(out + count, in + at + 1u, code - 1u);
    count += code - 1u;
    at += code;
    if (code < 255u && at < length) out[count++] = 0;
  }
  return count;
}

static void check_frame(void) {
  uint8_t frame[sizeof said];
  const uint32_t length = decode(said, said_length, frame);
  expect(said[0] == EK_FRAME_FIRST);
  expect(length >= EK_HEADER_BYTES + EK_CRC_BYTES && length <= EK_FRAME_BYTES);
  expect(crc(frame, length - EK_CRC_BYTES) == ek_get_uint(frame + length - EK_CRC_BYTES, 4));
  expect(frame[EK_AT_VERSION] == EK_PROTOCOL_VERSION && frame[EK_AT_ZERO] == 0u);
  expect((frame[EK_AT_KIND] & EK_REPLY) != 0u);
  answers++;
  if (frame[EK_AT_KIND] == EK_MSG_ERROR && ek_get_uint(frame + EK_AT_REQUEST_ID, 2) == 0u &&
      ek_get_uint(frame + EK_HEADER_BYTES, 2) == EK_ERR_BAD_FRAME) {
    refusals++;
  }
}

void ek_port_init(void) {}

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  const uint32_t count = line_left < room ? line_left : room;
  memcpy(data, line, count);
  line += count;
  line_left -= count;
  return count;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    if (data[i] != 0u) {
      expect(said_length < sizeof said);
      said[said_length++] = data[i];
      continue;
    }
    if (said_length > 0u) check_frame();
    said_length = 0;
  }
}

void ek_port_set_baud(uint32_t baud) {
  expect(baud != 0u);
}

uint64_t ek_port_ticks(void) {
  static uint64_t ticks;
  return ticks += 7u;
}

uint32_t ek_port_ticks_hz(void) {
  return 1000000u;
}

const char *ek_port_counter_name(void) {
  return "fuzz";
}

/* A chip does not come back from either; here the app goes on, in the same session. */
void ek_port_reset(void) {}
void ek_port_bootloader(void) {}

ek_stack ek_port_stack(void) {
  const ek_stack stack = {NULL, 0};
  return stack;
}

static void send(const uint8_t *bytes, uint32_t length) {
  line = bytes;
  line_left = length;
  while (line_left > 0u) ek_commands_serve();
}

/* The host's encoder: a frame of `body`, whose CRC goes after it. */
static void send_frame(uint8_t *body, uint32_t length, uint32_t cut, uint32_t wrong) {
  uint8_t wire[2u * EK_FRAME_BYTES + 16u];
  uint32_t count = 0, code_at = 0;
  (void)ek_put_uint(body + length, crc(body, length) ^ wrong, EK_CRC_BYTES);
  length += EK_CRC_BYTES;
  wire[count++] = 1;
  for (uint32_t i = 0; i < length; i++) {
    if (body[i] != 0u) {
      wire[count++] = body[i];
      wire[code_at]++;
    }
    if (body[i] == 0u || (wire[code_at] == 255u && i + 1u < length)) {
      code_at = count;
      wire[count++] = 1;
    }
  }
  count -= cut < count ? cut : 0u;
  wire[count++] = 0;
  send(wire, count);
}

static void send_record(const uint8_t *record, const uint8_t *payload, uint32_t length) {
  static uint16_t id;
  uint8_t body[EK_FRAME_BYTES];
  const uint32_t how = record[1];
  const uint32_t strange = (how & HOW_STRANGE) != 0u ? 1u : 0u;
  const uint32_t times = (how & HOW_LONG) != 0u ? 8u : 1u;
  id = (uint16_t)((how & HOW_LATE) != 0u ? id - 1u : id + 1u);
  uint8_t *end = ek_frame_begin(body, record[0], id, ek_session_number() ^ strange);
  if ((how & HOW_VERSION) != 0u) body[EK_AT_VERSION]--;
  for (uint32_t i = 0; i < times && (uint32_t)(end - body) + length + 4u <= sizeof body; i++) {
    memcpy(end, payload, length);
    end += length;
  }
  const uint32_t whole = (uint32_t)(end - body);
  const uint32_t sent = (how & HOW_SHORT) != 0u ? EK_OLDEST_HEADER_BYTES + (how >> 7) : whole;
  const uint32_t cut = (how & HOW_CUT) != 0u ? record[2] & 7u : 0u;
  const uint32_t wrong = (how & HOW_DAMAGED) != 0u ? 1u << (record[2] & 31u) : 0u;
  answers = 0;
  refusals = 0;
  send_frame(body, sent, cut, wrong);
  if (cut == 0u && wrong != 0u) expect(answers == 1u && refusals == 1u);
  if (sent < EK_HEADER_BYTES) expect(answers == 1u);
  if (sent < EK_HEADER_BYTES && (how & HOW_VERSION) == 0u) expect(refusals == 1u);
}

/* What came before must not be in the way of a host that begins anew. */
static void expect_service(void) {
  static uint32_t nonce = 1;
  uint8_t body[EK_FRAME_BYTES];
  const uint8_t end = 0;
  send(&end, 1);
  answers = 0;
  uint8_t *at = ek_frame_begin(body, EK_MSG_HELLO, 9, 0);
  at = ek_put_uint(at, ++nonce, 4);
  send_frame(body, (uint32_t)(at - body), 0, 0);
  expect(answers == 1u && ek_session_nonce() == nonce);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0u || size > 8192u) return 0;
  said_length = 0;
  ek_commands_start();
  expect_service();
  if ((data[0] & 1u) != 0u) {
    send(data + 1, (uint32_t)size - 1u);
  } else {
    for (size_t at = 1; at + 3u <= size;) {
      const size_t room = size - at - 3u;
      const uint32_t length = data[at + 2u] < room ? data[at + 2u] : (uint32_t)room;
      send_record(data + at, data + at + 3u, length);
      at += 3u + length;
    }
  }
  expect_service();
  return 0;
}
