/* SPDX-License-Identifier: Apache-2.0 */
/* A model whose outputs show what became of every byte that was sent, and how often it was run:
   y[i] = 3 x[i] + x[(7 i + 1) mod n] + i, and the number of runs since the start. Neither fits one
   frame. Its input keeps what a run left there, so that a sample that was not sent in full gives
   other outputs. */
#include <stddef.h>
#include <stdint.h>

#include "ek_model.h"

#ifndef COUNT
#define COUNT 1100u
#endif

static uint8_t x[COUNT];
static uint8_t y[COUNT];
static uint32_t runs;
static uint8_t shown[4];

static int init(void) {
  return 0;
}

static int invoke(void) {
  runs++;
  for (uint32_t i = 0; i < 4u; i++) shown[i] = (uint8_t)(runs >> (8u * i));
  for (uint32_t i = 0; i < COUNT; i++) {
    y[i] = (uint8_t)(3u * x[i] + x[(7u * i + 1u) % COUNT] + i);
  }
  for (uint32_t i = 0; i < COUNT; i++) x[i] = (uint8_t)(x[i] ^ 0x5Au);
  return 0;
}

static const ek_tensor inputs[] = {
    {"x", EK_UINT8, 2, {1, COUNT}, 1.0f, 0, COUNT, x},
};
static const ek_tensor outputs[] = {
    {"runs", EK_INT32, 1, {1}, 1.0f, 0, sizeof shown, shown},
    {"y", EK_UINT8, 2, {1, COUNT}, 1.0f, 0, COUNT, y},
};

const ek_model ek_the_model = {
    .name = "counting",
    .runtime = "aot",
    .sha256 = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
    .input_count = 1,
    .output_count = 2,
    .inputs = inputs,
    .outputs = outputs,
    .init = init,
    .invoke = invoke,
};
