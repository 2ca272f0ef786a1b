/* SPDX-License-Identifier: Apache-2.0 */
/* The one interface between the app and a model, whichever runtime runs it. */
#ifndef EK_MODEL_H
#define EK_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

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
  /* What only a runtime with an interpreter has; all of it may be NULL. */
  const char *runtime_version;
  const char *kernels;          /* "reference", or the name of optimised ones */
  uint32_t (*arena_used)(void); /* after init, scratch included; NULL: all of arena_bytes */
  /* One op alone, timed without the interpreter around it; NULL: invoke_op is timed. */
  int (*time_op)(uint16_t op, uint64_t *ticks);
  /* An output of the op that invoke_op ran last; NULL: `arena` shows it. */
  const void *(*op_output)(uint16_t position, uint32_t *bytes);
  /* Takes bytes of an input whose `data` is NULL, in order, those at offset 0 beginning it anew.
     0 = taken, else they are not the next ones; invoke fails until all are there. */
  int (*load)(uint16_t input, uint32_t offset, const void *bytes, uint32_t count);
} ek_model;

/* The model of this firmware: defined by the generated glue, or by ek_model_empty.c. */
extern const ek_model ek_the_model;

#ifdef __cplusplus
}
#endif

#endif
