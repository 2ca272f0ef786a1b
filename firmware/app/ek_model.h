/* SPDX-License-Identifier: Apache-2.0 */
/* The one interface between the app and a model, whichever runtime runs it. */
#ifndef EK_MODEL_H
#define EK_MODEL_H

#include <stdint.h>

#define EK_MAX_RANK 6

/* Numbers of TFLite's TensorType, so that host and device speak of the same thing. */
enum {
  EK_FLOAT32 = 0,
  EK_INT32 = 2,
  EK_UINT8 = 3,
  EK_INT64 = 4,
  EK_BOOL = 6,
  EK_INT16 = 7,
  EK_INT8 = 9
};

typedef struct {
  const char *name;
  uint8_t dtype;
  uint8_t rank;
  int32_t dims[EK_MAX_RANK];
  float scale;
  int32_t zero_point;
  uint32_t bytes;
  void *data;
} ek_tensor;

typedef struct {
  const char *name;
  const char *runtime; /* "aot", "tflm" or "none" */
  const char *sha256;  /* of the .tflite file, 64 hex digits */
  uint16_t input_count;
  uint16_t output_count;
  uint16_t op_count; /* ops of the .tflite file, in its order */
  uint32_t arena_bytes;
  uint8_t *arena; /* NULL where tensors inside the model cannot be read */
  const ek_tensor *inputs;
  const ek_tensor *outputs;
  int (*init)(void);             /* 0 = ready; once, before anything else */
  int (*invoke)(void);           /* 0 = done; reads inputs, writes outputs */
  int (*invoke_op)(uint16_t op); /* 0 = done; one op alone; NULL where it cannot be */
} ek_model;

/* The model of this firmware: defined by the generated glue, or by ek_model_empty.c. */
extern const ek_model ek_the_model;

#endif
