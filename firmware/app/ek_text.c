/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes are text: the first byte after the end of a frame or of a command tells, for no text
   has EK_FRAME_FIRST. A zero ends both. A frame that stops for a second was noise, or its host is
   gone: a host of text, which sends no zeros, is then heard again. */
#include "ek_text.h"

#include "ek_board.h"

#ifdef EK_TEXT_TASK

#include "ek_port.h"
#include "ek_text_commands.h"
#include "ek_timing.h"

#define COMMAND_END '%'

typedef enum { BETWEEN, TEXT, FRAME } ek_text_state;

static ek_text_state state;
static uint8_t frames_spoken;
static uint64_t last_ticks;
static char line[EK_TEXT_LINE + 1u];
static uint32_t length; /* EK_TEXT_LINE + 1 where the line is longer than that */

static int is_text(uint8_t byte) {
  return (byte >= ' ' && byte <= '~') || byte == '\r' || byte == '\n';
}

/* A command without a word is a host that clears the line: it expects no answer. */
static void end_command(void) {
  const uint32_t said = length;
  line[said < EK_TEXT_LINE ? said : EK_TEXT_LINE] = '\0';
  length = 0;
  state = BETWEEN;
  if (said > 0u) ek_text_serve(line, said > EK_TEXT_LINE);
}

static void keep(uint8_t byte) {
  if (byte == '\r' || byte == '\n' || (byte == ' ' && length == 0u)) return;
  if (length < EK_TEXT_LINE) line[length] = (char)(is_text(byte) ? byte : '?');
  if (length <= EK_TEXT_LINE) length++;
}

static void forget_stale_frame(void) {
  const uint64_t now = ek_port_ticks();
  const uint32_t hz = ek_timing_hz();
  if (state == FRAME && hz > 0u && now - last_ticks > hz) state = BETWEEN;
  last_ticks = now;
}

int ek_text_take(uint8_t byte) {
  forget_stale_frame();
  if (byte == 0u) {
    state = BETWEEN;
    length = 0;
    return 0;
  }
  if (state == BETWEEN) {
    state = is_text(byte) ? TEXT : FRAME;
    frames_spoken = state == FRAME;
  }
  if (state == FRAME) return 0;
  if (byte == COMMAND_END) {
    end_command();
  } else {
    keep(byte);
  }
  return 1;
}

int ek_text_is_spoken(void) {
  return !frames_spoken;
}

#endif
