/* SPDX-License-Identifier: Apache-2.0 */
/* A model written by hand for tests of the app and the link: out = 2a + b, then a spin of known
   length. Op 0 adds a, op 1 doubles by adding a again, op 2 adds b, op 3 spins. A first byte of
   -128 in `a` makes invoke fail, -127 makes it stop on a fault, -126 overflows the stack. */
#include <stdint.h>
#include <string.h>

#include "ek_model.h"

#define COUNT 3000
#define SPINS 100000u
#define LONG_SPINS 60

static uint8_t arena[3 * COUNT];
#define A ((int8_t *)arena)
#define B ((int8_t *)arena + COUNT)
#define OUT ((int8_t *)arena + 2 * COUNT)

static int init(void) {
  return 0;
}

static void add(int8_t *out, const int8_t *in) {
  for (int i = 0; i < COUNT; i++) out[i] = (int8_t)((out[i] + in[i]) & 0x7F);
}

/* Two instructions a round on every Cortex-M, and four around it. */
static void spin(void) {
#if defined(__arm__)
  uint32_t left = SPINS;
  __asm volatile("1: subs %0, #1\n bne 1b" : "+r"(left)::"cc");
#elif defined(__riscv)
  uint32_t left = SPINS;
  __asm volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(left));
#else
  for (volatile uint32_t i = 0; i < SPINS / 100u; i++) {
  }
#endif
}

#if defined(__arm__)
static volatile uint8_t sink;
static int recurse(int depth) {
  volatile uint8_t frame[256];
  memset((void *)(uintptr_t)frame, depth, sizeof frame);
  sink = frame[depth & 63];
  return depth > 1000000 ? 0 : recurse(depth + 1) + (int)frame[0];
}
#endif

static int invoke_op(uint16_t op) {
  if (op == 0) memset(OUT, 0, COUNT);
  if (op == 0 || op == 1) add(OUT, A);
  if (op == 2) add(OUT, B);
  if (op == 3) spin();
  return 0;
}

static int invoke(void) {
  if (A[0] == -128) return -7;
#if defined(__arm__)
  if (A[0] == -127) __asm volatile("udf #0");
  if (A[0] == -126) return recurse(0);
#else
  if (A[0] == -127) __builtin_trap();
#endif
  if (A[0] == -125) return 0; /* nothing at all */
  if (A[0] == -124) {
    spin();
    return 0;
  }
  if (A[0] == -122) { /* longer than a 24-bit counter at any of the boards' clocks */
    for (int i = 0; i < LONG_SPINS; i++) spin();
    return 0;
  }
  if (A[0] == -123) {
    for (;;) spin();
  }
  for (uint16_t op = 0; op < 4; op++) (void)invoke_op(op);
  return 0;
}

static const ek_tensor inputs[] = {
    {"a", EK_INT8, 2, {1, COUNT}, 0.5f, -3, COUNT, arena},
    {"b", EK_INT8, 3, {1, 1000, 3}, 0.25f, 4, COUNT, arena + COUNT},
};
static const ek_tensor outputs[] = {
    {"out", EK_INT8, 2, {1, COUNT}, 0.125f, 5, COUNT, arena + 2 * COUNT},
};

const ek_model ek_the_model = {
    .name = "tiny",
    .runtime = "aot",
    .sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    .input_count = 2,
    .output_count = 1,
    .op_count = 4,
    .arena_bytes = sizeof arena,
    .arena = arena,
    .inputs = inputs,
    .outputs = outputs,
    .init = init,
    .invoke = invoke,
    .invoke_op = invoke_op,
};
