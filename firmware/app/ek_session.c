/* SPDX-License-Identifier: Apache-2.0 */
#include "ek_session.h"

#include "ek_frame.h"
#include "ek_port.h"

static uint32_t number;
static uint32_t nonce;
static uint32_t boot_id;
static uint32_t openings;
static uint16_t last_id;

void ek_session_start(void) {
  number = 0;
  nonce = 0;
  boot_id = 0;
  openings = 0;
  last_id = 0;
}

/* No chip need have a source of chance: the host's nonce is one, the counter makes a difference
   between two devices, or two starts, that get the same nonce. */
static void open_session(uint32_t from_host) {
  uint8_t mixed[20];
  uint8_t *end = ek_put_uint(mixed, from_host, 4);
  end = ek_put_u64(end, ek_port_ticks());
  end = ek_put_uint(end, ++openings, 4);
  end = ek_put_uint(end, boot_id, 4);
  const uint32_t sum = ek_crc32(mixed, (uint32_t)(end - mixed));
  nonce = from_host;
  number = sum != 0u ? sum : 1u;
  if (boot_id == 0u) boot_id = number;
}

/* Ids count up, and over 65535 back to 0: the nearer way round tells which of two is newer. */
static ek_request_kind compare_ids(uint16_t id) {
  const uint16_t ahead = (uint16_t)(id - last_id);
  if (ahead == 0u) return EK_REQUEST_REPEATED;
  return ahead < 0x8000u ? EK_REQUEST_NEW : EK_REQUEST_LATE;
}

static ek_request_kind judge_hello(const uint8_t *payload, uint32_t length, uint16_t id) {
  ek_hello_request ask;
  if (!ek_get_hello(&ask, payload, length)) return EK_REQUEST_STRANGE;
  if (number != 0u && ask.nonce == nonce) {
    return id == last_id ? EK_REQUEST_REPEATED : EK_REQUEST_LATE;
  }
  open_session(ask.nonce);
  return EK_REQUEST_NEW;
}

ek_request_kind ek_session_judge(const uint8_t *frame, uint32_t length) {
  const uint16_t id = (uint16_t)ek_get_uint(frame + EK_AT_REQUEST_ID, 2);
  ek_request_kind kind;
  if (frame[EK_AT_KIND] == EK_MSG_HELLO) {
    kind = judge_hello(frame + EK_HEADER_BYTES, length - EK_HEADER_BYTES, id);
  } else if (number == 0u || ek_get_uint(frame + EK_AT_SESSION, 4) != number) {
    return EK_REQUEST_STRANGE;
  } else {
    kind = compare_ids(id);
  }
  if (kind == EK_REQUEST_NEW) last_id = id;
  return kind;
}

uint32_t ek_session_number(void) {
  return number;
}

uint32_t ek_session_nonce(void) {
  return nonce;
}

uint32_t ek_session_boot_id(void) {
  return boot_id;
}
