/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes are text. A frame is COBS: a code byte, then the protocol's version, and a zero at
   its end. Text is printable from its second byte on. So the first byte is held until the second
   one tells, and a zero ends both. A frame that stops for a second was noise, or its host is gone:
   a host of text, which sends no zeros, is then heard again. */
#include "ek_text.h"

#include "ek_board.h"

#ifdef EK_TEXT_TASK

#include "ek_messages.h"
#include "ek_port.h"
#include "ek_text_commands.h"
#include "ek_timing.h"

#if EK_PROTOCOL_VERSION >= 10u
#error "a version of 10 and above may be a line's end, and from 32 on a letter"
#endif

#define COMMAND_END '%'
#define COBS_OF_NOTHING 1u

typedef enum { BETWEEN, FIRST, TEXT, FRAME } ek_text_state;

static ek_text_state state;
static uint8_t first;
static uint8_t frames_spoken;
static uint64_t last_ticks;
static char line[EK_TEXT_LINE + 1u];
static uint32_t length;

static int is_text(uint8_t byte) {
  return (byte >= ' ' && byte <= '~') || byte == '\r' || byte == '\n';
}

static void keep(uint8_t byte) {
  const int blank_start = length == 0u && (byte == ' ' || !is_text(byte));
  if (byte == COMMAND_END) {
    /* Nothing before it: a host that clears the line. It expects no answer. */
    const uint32_t said = length;
    line[said < EK_TEXT_LINE ? said : EK_TEXT_LINE] = '\0';
    length = 0;
    state = BETWEEN;
    if (said > 0u) ek_text_serve(line, said > EK_TEXT_LINE);
    return;
  }
  if (blank_start || byte == '\r' || byte == '\n') return;
  if (length < EK_TEXT_LINE) line[length] = (char)(is_text(byte) ? byte : '?');
  if (length <= EK_TEXT_LINE) length++;
}

static uint32_t decide(uint8_t second, uint8_t *frame) {
  if (is_text(first) && is_text(second)) {
    state = TEXT;
    frames_spoken = 0;
    length = 0;
    keep(first);
    keep(second);
    return 0;
  }
  state = second == 0u ? BETWEEN : FRAME;
  frames_spoken = 1;
  frame[0] = first;
  frame[1] = second;
  return 2;
}

/* Half a command: to a host of frames it is a damaged frame. */
static uint32_t drop_line(uint8_t *frame) {
  state = BETWEEN;
  frame[0] = COBS_OF_NOTHING;
  frame[1] = 0;
  return 2;
}

static void forget_stale_frame(void) {
  const uint64_t now = ek_port_ticks();
  const uint32_t hz = ek_timing_hz();
  if ((state == FRAME || state == FIRST) && hz > 0u && now - last_ticks > hz) state = BETWEEN;
  last_ticks = now;
}

uint32_t ek_text_feed(uint8_t byte, uint8_t *frame) {
  forget_stale_frame();
  if (state == FIRST) return decide(byte, frame);
  if (state == TEXT && byte == 0u) return drop_line(frame);
  if (state == TEXT) {
    keep(byte);
    return 0;
  }
  if (state == BETWEEN && byte != 0u) {
    first = byte;
    state = FIRST;
    return 0;
  }
  if (byte == 0u) state = BETWEEN;
  *frame = byte;
  return 1;
}

int ek_text_is_spoken(void) {
  return !frames_spoken;
}

#endif
