/* SPDX-License-Identifier: Apache-2.0 */
/* The app as a process: the wire is fd 0 and fd 1 (a pty), the counter CLOCK_MONOTONIC. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ek_board.h"
#include "ek_port.h"

/* The part of the process's stack that is painted and watched, below the first caller. */
#ifndef EK_STACK_BYTES
#define EK_STACK_BYTES 65536u
#endif
#define EK_WATCHED_BYTES ((uint32_t)(EK_STACK_BYTES))

void ek_port_init(void) {
  ek_port_set_baud(EK_BAUD);
}

uint32_t ek_port_read(uint8_t *data, uint32_t room) {
  ssize_t count;
  do {
    count = read(STDIN_FILENO, data, room);
  } while (count < 0 && errno == EINTR);
  /* End of file, or EIO once nobody holds the other end of the pty: the host is gone. */
  if (count <= 0) exit(0);
  return (uint32_t)count;
}

void ek_port_write(const uint8_t *data, uint32_t length) {
  while (length > 0u) {
    const ssize_t count = write(STDOUT_FILENO, data, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) exit(0);
    data += count;
    length -= (uint32_t)count;
  }
}

static speed_t speed_of(uint32_t baud) {
  switch (baud) {
    case 9600u:
      return B9600;
    case 230400u:
      return B230400;
    case 460800u:
      return B460800;
    case 921600u:
      return B921600;
    case 1000000u:
      return B1000000;
    default:
      return B115200;
  }
}

/* A pseudo terminal carries any rate, and shows the other end which one it should be. */
void ek_port_set_baud(uint32_t baud) {
  struct termios line;
  if (tcgetattr(STDIN_FILENO, &line) != 0) return;
  (void)cfsetispeed(&line, speed_of(baud));
  (void)cfsetospeed(&line, speed_of(baud));
  (void)tcsetattr(STDIN_FILENO, TCSANOW, &line);
}

uint64_t ek_port_ticks(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint32_t ek_port_ticks_hz(void) {
  return 1000000000u;
}

const char *ek_port_counter_name(void) {
  return "clock-monotonic";
}

void ek_port_reset(void) {
  char self[] = "/proc/self/exe";
  char *const arguments[] = {self, NULL};
  (void)execv(self, arguments);
  exit(127);
}

void ek_port_bootloader(void) {}

ek_stack ek_port_stack(void) {
  static uint8_t *low;
  uint8_t here = 0;
  if (low == NULL) low = (uint8_t *)((uintptr_t)&here - EK_WATCHED_BYTES);
  const ek_stack stack = {low, EK_WATCHED_BYTES};
  return stack;
}
