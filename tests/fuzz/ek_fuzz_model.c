/* SPDX-License-Identifier: Apache-2.0 */
/* A model of every feature that requests can reach, each buffer an object of its own, so that the
   sanitizers see a step beyond any of them. */
#include <stddef.h>
#include <stdint.h>

#include "ek_model.h"

static uint8_t arena[64], small[40], large[1500], first[16], second[1200];

static int init(void) {
  return 0;
}

static int invoke(void) {
  for (uint32_t i = 0; i < sizeof second; i++) second[i] = (uint8_t)(large[i] + small[i % 40u]);
  first[0]++;
  return small[0] == 0xFFu ? -1 : 0;
}

static int invoke_op(uint16_t op) {
  arena[op] = small[op];
  return small[1] == 0xFFu ? -2 : 0;
}

static const void *op_output(uint16_t position, uint32_t *bytes) {
  if (position > 1u) return NULL;
  *bytes = position == 0u ? sizeof first : sizeof second;
  return position == 0u ? first : second;
}

static const ek_tensor inputs[] = {
    {"small", EK_INT8, 2, {1, 40}, 0.5f, -3, sizeof small, small},
    {"large", EK_UINT8, 2, {1, 1500}, 0.25f, 4, sizeof large, large},
};
static const ek_tensor outputs[] = {
    {"first", EK_INT32, 1, {4}, 0.0f, 0, sizeof first, first},
    {"second", EK_UINT8, 2, {1, 1200}, 0.125f, 5, sizeof second, second},
};

const ek_model ek_the_model = {
    .name = "fuzz",
    .runtime = "aot",
    .sha256 = "",
    .input_count = 2,
    .output_count = 2,
    .op_count = 8,
    .arena_bytes = sizeof arena,
    .arena = arena,
    .inputs = inputs,
    .outputs = outputs,
    .init = init,
    .invoke = invoke,
    .invoke_op = invoke_op,
    .op_output = op_output,
};
