/* SPDX-License-Identifier: Apache-2.0 */
#include "ek_commands.h"

#include "ek_board.h"
#include "ek_frame.h"
#include "ek_port.h"
#include "ek_requests.h"
#include "ek_session.h"

#ifdef EK_TEXT_TASK
#include "ek_text.h"
#endif

#define EK_CHUNK_BYTES 64u
/* Another host may not know of a raised rate: what it sends looks like this many damaged frames,
   or like this many bytes without a frame. */
#define EK_DAMAGED_AT_BAUD 6u
#define EK_BYTES_AT_BAUD (3u * EK_FRAME_BYTES)

static ek_frame_reader request;
/* The last answer, kept whole: a host that heard nothing asks again with the same id. */
static uint8_t answer[EK_FRAME_BYTES];
static uint32_t answer_length;

static uint32_t raised_baud; /* 0: EK_BAUD, as at the start */
static uint32_t damaged_frames, bytes_without_frame;

/* A frame beside the last answer, which stays. */
static void send_beside(uint8_t kind, uint16_t id, uint32_t session, const ek_error_reply *error,
                        const char *text) {
  uint8_t frame[EK_HEADER_BYTES + 8u + EK_MAX_TEXT + EK_CRC_BYTES];
  const ek_log_reply log = {text};
  uint8_t *payload = ek_frame_begin(frame, kind, id, session);
  const uint8_t *end = error != NULL ? ek_put_error(payload, error) : ek_put_log(payload, &log);
  ek_frame_send(frame, (uint32_t)(end - frame));
}

static void refuse_request(const uint8_t *frame, const ek_error_reply *error) {
  send_beside(EK_MSG_ERROR, (uint16_t)ek_get_uint(frame + EK_AT_REQUEST_ID, 2),
              ek_get_uint(frame + EK_AT_SESSION, 4), error, NULL);
}

static void report_damage(void) {
  const ek_error_reply damaged = {EK_ERR_BAD_FRAME, 0, ""};
  send_beside(EK_MSG_ERROR, 0, ek_session_number(), &damaged, NULL);
}

static void set_baud(uint32_t baud) {
  ek_port_set_baud(baud);
  raised_baud = baud == EK_BAUD ? 0u : baud;
  damaged_frames = 0;
  bytes_without_frame = 0;
}

/* After the answer is out. */
static void act_on(const uint8_t *frame) {
  switch (answer[EK_AT_KIND]) {
    case EK_MSG_RESET | EK_REPLY:
      ek_port_reset();
      break;
    case EK_MSG_BOOTLOADER | EK_REPLY:
      ek_port_bootloader();
      break;
    case EK_MSG_BAUD | EK_REPLY:
      set_baud(ek_get_uint(frame + EK_HEADER_BYTES, 4));
      break;
    default:
      break;
  }
}

static void serve_request(void) {
  const uint8_t *frame = request.bytes;
  const ek_error_reply version = {EK_ERR_VERSION, (int32_t)EK_PROTOCOL_VERSION, ""};
  const ek_error_reply strange = {EK_ERR_NO_SESSION, 0, ""};
  if (frame[EK_AT_VERSION] != EK_PROTOCOL_VERSION) {
    send_beside(EK_MSG_ERROR, 0, 0, &version, NULL);
    return;
  }
  if (request.length < EK_HEADER_BYTES) {
    report_damage();
    return;
  }
  switch (ek_session_judge(frame, request.length)) {
    case EK_REQUEST_NEW:
      answer_length = ek_requests_serve(frame, request.length, answer);
      ek_frame_send(answer, answer_length);
      act_on(frame);
      break;
    case EK_REQUEST_REPEATED:
      ek_frame_send(answer, answer_length);
      break;
    case EK_REQUEST_STRANGE:
      refuse_request(frame, &strange);
      break;
    case EK_REQUEST_LATE:
      break;
  }
}

/* A raised rate holds only as long as it carries frames. */
static void watch_rate(ek_frame_state state) {
  bytes_without_frame++;
  if (state == EK_FRAME_DAMAGED) damaged_frames++;
  if (state == EK_FRAME_READY) {
    damaged_frames = 0;
    bytes_without_frame = 0;
  }
  if (raised_baud == 0u) return;
  if (damaged_frames >= EK_DAMAGED_AT_BAUD || bytes_without_frame >= EK_BYTES_AT_BAUD) {
    set_baud(EK_BAUD);
  }
}

/* Every byte of the line comes through here, one by one. */
static void take_byte(uint8_t byte) {
#ifdef EK_TEXT_TASK
  if (ek_text_take(byte)) {
    watch_rate(EK_FRAME_MORE);
    return;
  }
#endif
  const ek_frame_state state = ek_frame_feed(&request, byte);
  if (state == EK_FRAME_READY) serve_request();
  if (state == EK_FRAME_DAMAGED) report_damage();
  watch_rate(state);
}

/* A lone zero ends whatever stands unfinished on the wire: noise of the start, or a frame that a
   fault cut. */
static void close_line(void) {
  const uint8_t end = 0;
  ek_port_write(&end, 1);
}

void ek_commands_log(const char *text) {
#ifdef EK_TEXT_TASK
  if (ek_text_is_spoken()) return;
#endif
  send_beside(EK_MSG_LOG, 0, ek_session_number(), NULL, text);
}

void ek_commands_fault(const char *text, unsigned long where) {
  const ek_error_reply fault = {EK_ERR_FAULT, (int32_t)where, text};
  close_line();
  send_beside(EK_MSG_ERROR, 0, ek_session_number(), &fault, NULL);
}

void ek_commands_start(void) {
  answer_length = 0;
  ek_session_start();
  ek_requests_start();
}

void ek_commands_serve(void) {
  uint8_t chunk[EK_CHUNK_BYTES];
  const uint32_t count = ek_port_read(chunk, EK_CHUNK_BYTES);
  for (uint32_t i = 0; i < count; i++) take_byte(chunk[i]);
}
