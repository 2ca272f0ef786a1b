/* SPDX-License-Identifier: Apache-2.0 */
/* Conventions of the tasks: peers of MLPerf Tiny's reference devices, th_load_tensor and th_results
   of mlcommons/tiny, benchmark/reference_submissions. */
#include "ek_text_task.h"

#include <string.h>

#include "ek_board.h"

#ifdef EK_TEXT_TASK

#include "ek_bytes.h"
#include "ek_model.h"

#define WORDS ((EK_TEXT_BYTES + 3u) / 4u)
#define SIGNS 0x80808080u

/* As it came over the wire; words, so that it can be copied four bytes at a time. */
static uint32_t received[WORDS];
static uint32_t expected, loaded;

static uint8_t *bytes(void) {
  return (uint8_t *)received;
}

int ek_text_input_start(uint32_t count) {
  const int fits = count <= EK_TEXT_BYTES;
  expected = fits ? count : 0u;
  loaded = 0;
  return fits ? 0 : -1;
}

int ek_text_input_add(uint8_t byte) {
  if (loaded < expected) bytes()[loaded++] = byte;
  return loaded == expected;
}

uint32_t ek_text_input_expected(void) {
  return expected;
}

uint32_t ek_text_input_loaded(void) {
  return loaded;
}

uint8_t ek_text_input_at(uint32_t index) {
  return bytes()[index];
}

#if EK_TEXT_INPUT == EK_TEXT_FLOAT32

#define VALUES (EK_TEXT_BYTES / 4u)

static int8_t quantized[VALUES];

static float value_at(uint32_t index) {
  const uint32_t bits = ek_get_uint(bytes() + 4u * index, 4);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Halves away from zero, then clamped; what is not a number becomes the least. */
static int8_t quantize(float value, const ek_tensor *tensor) {
  const float scaled = value / tensor->scale;
  const float shifted = scaled + (scaled < 0.0f ? -0.5f : 0.5f);
  if (!(shifted > -100000.0f)) return INT8_MIN;
  if (shifted > 100000.0f) return INT8_MAX;
  const int32_t rounded = (int32_t)shifted + tensor->zero_point;
  if (rounded < INT8_MIN) return INT8_MIN;
  return (int8_t)(rounded > INT8_MAX ? INT8_MAX : rounded);
}

void ek_text_input_convert(void) {
  const ek_tensor *input = ek_the_model.inputs;
  if (input->dtype != EK_INT8) return;
  for (uint32_t i = 0; i < VALUES; i++) quantized[i] = quantize(value_at(i), input);
}

void ek_text_input_put(void) {
  const ek_tensor *input = ek_the_model.inputs;
  memcpy(input->data, input->dtype == EK_INT8 ? (const void *)quantized : received, input->bytes);
}

#else

void ek_text_input_convert(void) {}

void ek_text_input_put(void) {
  const ek_tensor *input = ek_the_model.inputs;
  uint8_t *to = input->data;
  if (EK_TEXT_INPUT == EK_TEXT_INT8 || input->dtype == EK_UINT8) {
    memcpy(to, received, EK_TEXT_BYTES);
    return;
  }
  for (uint32_t at = 0; at < EK_TEXT_BYTES; at += 4u) {
    const uint32_t word = received[at / 4u] ^ SIGNS;
    memcpy(to + at, &word, EK_TEXT_BYTES - at < 4u ? EK_TEXT_BYTES - at : 4u);
  }
}

#endif

static float output_at(uint32_t index) {
  const ek_tensor *output = ek_the_model.outputs;
  if (output->dtype == EK_FLOAT32) return ((const float *)output->data)[index];
  const int32_t stored = output->dtype == EK_INT8 ? ((const int8_t *)output->data)[index]
                                                  : ((const uint8_t *)output->data)[index];
  return (float)(stored - output->zero_point) * output->scale;
}

#if EK_TEXT_INPUT == EK_TEXT_FLOAT32

uint32_t ek_text_result_count(void) {
  return 1;
}

/* Mean square of what the model's output misses of its input, the input not quantized. */
float ek_text_result(uint32_t index) {
  float sum = 0.0f;
  (void)index;
  for (uint32_t i = 0; i < VALUES; i++) {
    const float missed = output_at(i) - value_at(i);
    sum += missed * missed;
  }
  return sum / (float)VALUES;
}

#else

uint32_t ek_text_result_count(void) {
  const ek_tensor *output = ek_the_model.outputs;
  return output->dtype == EK_FLOAT32 ? output->bytes / 4u : output->bytes;
}

float ek_text_result(uint32_t index) {
  return output_at(index);
}

#endif

#endif
