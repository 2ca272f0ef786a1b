/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of MLPerf Tiny's serial protocol (mlcommons/tiny, benchmark/api), answered in the
   forms that its runner reads. */
#include "ek_text_commands.h"

#include <string.h>

#include "ek_board.h"

#ifdef EK_TEXT_TASK

#include "ek_requests.h"
#include "ek_model.h"
#include "ek_port.h"
#include "ek_text_out.h"
#include "ek_text_task.h"
#include "ek_timing.h"

#define DEFAULT_RUNS 1u
#define DEFAULT_WARMUP 10u
#define SHOWN_AT_ONCE 8u
#define US_PER_S 1000000u

static char *rest_of_line;
static uint8_t has_result;

/* Like strcmp() == 0, in a twentieth of newlib's flash. */
static int equal(const char *a, const char *b) {
  while (*a != '\0' && *a == *b) {
    a++;
    b++;
  }
  return *a == *b;
}

/* The next word of the line, ended by a zero; NULL after the last. */
static char *next_word(void) {
  char *word = rest_of_line;
  while (*word == ' ') word++;
  char *end = word;
  while (*end != '\0' && *end != ' ') end++;
  rest_of_line = *end == ' ' ? end + 1 : end;
  *end = '\0';
  return *word != '\0' ? word : NULL;
}

/* Whether `word` is a decimal number below 2^31. */
static int read_number(const char *word, uint32_t *number) {
  uint32_t value = 0;
  if (*word == '\0') return 0;
  for (; *word != '\0'; word++) {
    const uint32_t digit = (uint32_t)(uint8_t)*word - '0';
    if (digit > 9u || value > (0x7FFFFFFFu - digit) / 10u) return 0;
    value = value * 10u + digit;
  }
  *number = value;
  return 1;
}

/* The line's next word as a number, `missing` where there is none; 0 where it is no number. */
static int next_number(uint32_t missing, uint32_t *number) {
  const char *word = next_word();
  *number = missing;
  return word == NULL || read_number(word, number);
}

static void say(const char *before, const char *word, const char *after) {
  ek_text_put(before);
  ek_text_put(word);
  ek_text_put(after);
  ek_text_end_line();
}

static void say_number(const char *before, uint64_t number, const char *after) {
  ek_text_put(before);
  ek_text_put_uint(number);
  ek_text_put(after);
  ek_text_end_line();
}

static void refuse(const char *why) {
  say("e-[", why, "]");
}

/* Since the start, from the 64 bits of the port's counter: it neither wraps nor overflows here. */
static uint64_t now_us(void) {
  const uint64_t ticks = ek_port_ticks();
  const uint32_t hz = ek_timing_hz();
  return ticks / hz * US_PER_S + ticks % hz * US_PER_S / hz;
}

static void timestamp(void) {
  if (ek_timing_hz() == 0u) {
    refuse("The counter does not move: there is no time");
    return;
  }
  say_number("m-lap-us-", now_us(), "");
}

static void results(void) {
  if (!has_result) {
    refuse("There is no result before an inference");
    return;
  }
  ek_text_put("m-results-[");
  for (uint32_t i = 0; i < ek_text_result_count(); i++) {
    if (i > 0u) ek_text_put(",");
    ek_text_put_float(ek_text_result(i));
  }
  ek_text_put("]");
  ek_text_end_line();
}

/* 0, or what the model's invoke returned. */
static int run(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    ek_text_input_put();
    const int status = ek_the_model.invoke();
    if (status != 0) return status;
  }
  return 0;
}

static void run_timed(uint32_t count, uint32_t warmup) {
  ek_text_input_convert();
  say_number("m-warmup-start-", warmup, "");
  int status = run(warmup);
  ek_text_put("m-warmup-done\r\n");
  say_number("m-infer-start-", count, "");
  /* Both times are said afterwards, so that only inferences lie between them. */
  const uint64_t start_us = now_us();
  if (status == 0) status = run(count);
  const uint64_t end_us = now_us();
  has_result = status == 0;
  if (status != 0) {
    refuse("The model failed");
    return;
  }
  say_number("m-lap-us-", start_us, "");
  say_number("m-lap-us-", end_us, "");
  ek_text_put("m-infer-done\r\n");
  results();
}

static void infer(void) {
  uint32_t count, warmup;
  if (!next_number(DEFAULT_RUNS, &count) || count == 0u) {
    refuse("Inference iterations must be a number above 0");
  } else if (!next_number(DEFAULT_WARMUP, &warmup)) {
    refuse("Inference warmup must be a number from 0 on");
  } else if (ek_requests_model_status() != 0) {
    refuse("The model could not start");
  } else if (ek_timing_hz() == 0u) {
    timestamp();
  } else if (ek_text_input_loaded() != EK_TEXT_BYTES) {
    ek_text_put("e-[Loaded are ");
    ek_text_put_uint(ek_text_input_loaded());
    say_number(" bytes, an input has ", EK_TEXT_BYTES, "]");
  } else {
    run_timed(count, warmup);
  }
}

static void db_load(void) {
  uint32_t count;
  if (!next_number(0, &count) || count == 0u) {
    refuse("Command 'db load' requires a number of bytes above 0");
  } else if (ek_text_input_start(count) != 0) {
    say_number("e-[There is room for ", EK_TEXT_BYTES, " bytes]");
  } else {
    say_number("m-[Expecting ", count, " bytes]");
  }
}

static void db_print(void) {
  uint32_t count, offset;
  const uint32_t loaded = ek_text_input_loaded();
  if (!next_number(loaded, &count) || !next_number(0, &offset)) {
    refuse("Command 'db print' takes numbers");
    return;
  }
  if (offset > loaded) offset = loaded;
  if (count > loaded - offset) count = loaded - offset;
  for (uint32_t i = 0; i < count; i++) {
    ek_text_put(i % SHOWN_AT_ONCE == 0u ? "m-buffer-" : "-");
    ek_text_put_hex(ek_text_input_at(offset + i));
    if (i % SHOWN_AT_ONCE == SHOWN_AT_ONCE - 1u || i == count - 1u) ek_text_end_line();
  }
}

/* 16 where it is no hexadecimal digit. */
static uint32_t hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return (uint32_t)(digit - '0');
  if (digit >= 'a' && digit <= 'f') return (uint32_t)(digit - 'a') + 10u;
  if (digit >= 'A' && digit <= 'F') return (uint32_t)(digit - 'A') + 10u;
  return 16;
}

/* All digits are looked at before any is kept: a damaged command leaves the input as it was. */
static void db_add(const char *digits) {
  const uint32_t length = (uint32_t)strlen(digits);
  if (length % 2u != 0u) {
    refuse("Insufficient number of hex digits");
    return;
  }
  for (uint32_t i = 0; i < length; i++) {
    if (hex_digit(digits[i]) == 16u) {
      refuse("Invalid hex digit");
      return;
    }
  }
  if (ek_text_input_loaded() == ek_text_input_expected()) {
    refuse("No bytes are expected: 'db load N' comes first");
    return;
  }
  for (uint32_t i = 0; i < length; i += 2u) {
    const uint32_t byte = hex_digit(digits[i]) << 4 | hex_digit(digits[i + 1u]);
    if (ek_text_input_add((uint8_t)byte)) {
      ek_text_put("m-load-done\r\n");
      return;
    }
  }
}

static void db(void) {
  const char *word = next_word();
  if (word == NULL) {
    refuse("Command 'db' requires a subcommand");
  } else if (equal(word, "load")) {
    db_load();
  } else if (equal(word, "print")) {
    db_print();
  } else {
    db_add(word);
  }
}

static void name(void) {
  say("m-name-dut-[", "edgekit " EK_BOARD_ID, "]");
}

static void profile(void) {
  ek_text_put("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\n");
  say("m-model-[", EK_TEXT_TASK, "]");
}

static void help(void) {
  ek_text_put("edgekit on " EK_BOARD_ID
              ", commands end with %\r\n"
              "name               which device\r\n"
              "profile            which protocol and task\r\n"
              "timestamp          microseconds since the start\r\n"
              "db load N          an input of N bytes follows\r\n"
              "db HH[HH]*         its next bytes\r\n"
              "db print [N] [AT]  N bytes of it from AT on\r\n"
              "infer [N] [W]      N=1 inferences after W=10 for warm-up\r\n"
              "results            of the last inference\r\n");
}

static const struct {
  const char *name;
  void (*serve)(void);
} commands[] = {
    {"name", name}, {"profile", profile}, {"timestamp", timestamp}, {"db", db},
    {"help", help}, {"infer", infer},     {"results", results},
};

static void dispatch(void) {
  const char *word = next_word();
  for (uint32_t i = 0; word != NULL && i < sizeof commands / sizeof *commands; i++) {
    if (equal(word, commands[i].name)) {
      commands[i].serve();
      return;
    }
  }
  say("e-[Unknown command: ", word != NULL ? word : "", "]");
}

void ek_text_serve(char *line, int too_long) {
  rest_of_line = line;
  if (too_long) {
    say_number("e-[The command has more than ", EK_TEXT_LINE, " characters]");
  } else {
    dispatch();
  }
  ek_text_put("m-ready\r\n");
}

#endif
