/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between host and device. Written by `python -m edgekit.link.messages`: edit there. */
#ifndef EK_MESSAGES_H
#define EK_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "ek_bytes.h"

#define EK_PROTOCOL_VERSION 3u
#define EK_MAX_PAYLOAD 1024u
#define EK_MAX_TEXT 120u
#define EK_REPLY 0x80u

enum {
  /* opens a session; who is there; the counter was seen moving or counter_hz is 0 */
  EK_MSG_HELLO = 1,
  /* shape and quantization of one input or output */
  EK_MSG_TENSOR = 2,
  /* bytes into an input */
  EK_MSG_LOAD = 3,
  /* one invoke; ticks from its entry to its return */
  EK_MSG_RUN = 4,
  /* ops first..last, each timed; ticks are u32 each */
  EK_MSG_PROFILE = 5,
  /* ops first..last, both included */
  EK_MSG_RUN_OPS = 6,
  /* bytes of an input, an output, the arena, or what the op that ran last gave */
  EK_MSG_READ = 7,
  /* RAM as used; the stack's mark is the deepest since the start */
  EK_MSG_MEMORY = 8,
  /* answers, then starts anew */
  EK_MSG_RESET = 9,
  /* answers, then enters the chip's loader */
  EK_MSG_BOOTLOADER = 10,
  /* answers, then goes on at another rate */
  EK_MSG_BAUD = 11,
  /* the last bytes of an input, one invoke, and the first bytes of the outputs in a row */
  EK_MSG_SAMPLE = 12,
  /* words for a person */
  EK_MSG_LOG = 254,
  /* why a request was not served; request id 0: belongs to none */
  EK_MSG_ERROR = 255
};

enum { EK_SPACE_INPUT = 0, EK_SPACE_OUTPUT = 1, EK_SPACE_ARENA = 2, EK_SPACE_OP_OUTPUT = 3 };

enum { EK_HAS_INVOKE_OP = 1, EK_HAS_ARENA = 2, EK_HAS_OP_OUTPUT = 4 };

enum {
  EK_ERR_BAD_FRAME = 1,
  EK_ERR_VERSION = 2,
  EK_ERR_UNKNOWN_KIND = 3,
  EK_ERR_BAD_LENGTH = 4,
  EK_ERR_BAD_INDEX = 5,
  EK_ERR_OUT_OF_RANGE = 6,
  EK_ERR_NOT_SUPPORTED = 7,
  EK_ERR_MODEL_FAILED = 8,
  EK_ERR_MODEL_NOT_READY = 9,
  EK_ERR_FAULT = 10,
  EK_ERR_NO_SESSION = 11
};

typedef struct {
  uint32_t nonce;
} ek_hello_request;

static inline int ek_get_hello(ek_hello_request *m, const uint8_t *at, uint32_t n) {
  if (n != 4u) return 0;
  m->nonce = ek_get_uint(at + 0, 4);
  return 1;
}

typedef struct {
  uint32_t nonce;
  uint32_t boot_id;
  uint32_t max_baud;
  uint16_t protocol_version;
  uint16_t max_payload;
  uint32_t counter_hz;
  uint32_t counter_overhead_ticks;
  int32_t model_status;
  uint16_t input_count;
  uint16_t output_count;
  uint16_t op_count;
  uint8_t flags;
  uint32_t arena_bytes;
  const char *build_id;
  const char *board;
  const char *counter;
  const char *model_name;
  const char *runtime;
  const char *model_sha256;
  const char *runtime_version;
  const char *kernels;
} ek_hello_reply;

static inline uint8_t *ek_put_hello(uint8_t *at, const ek_hello_reply *m) {
  at = ek_put_uint(at, m->nonce, 4);
  at = ek_put_uint(at, m->boot_id, 4);
  at = ek_put_uint(at, m->max_baud, 4);
  at = ek_put_uint(at, m->protocol_version, 2);
  at = ek_put_uint(at, m->max_payload, 2);
  at = ek_put_uint(at, m->counter_hz, 4);
  at = ek_put_uint(at, m->counter_overhead_ticks, 4);
  at = ek_put_uint(at, (uint32_t)m->model_status, 4);
  at = ek_put_uint(at, m->input_count, 2);
  at = ek_put_uint(at, m->output_count, 2);
  at = ek_put_uint(at, m->op_count, 2);
  at = ek_put_uint(at, m->flags, 1);
  at = ek_put_uint(at, m->arena_bytes, 4);
  at = ek_put_text(at, m->build_id);
  at = ek_put_text(at, m->board);
  at = ek_put_text(at, m->counter);
  at = ek_put_text(at, m->model_name);
  at = ek_put_text(at, m->runtime);
  at = ek_put_text(at, m->model_sha256);
  at = ek_put_text(at, m->runtime_version);
  at = ek_put_text(at, m->kernels);
  return at;
}

typedef struct {
  uint8_t space;
  uint16_t index;
} ek_tensor_request;

static inline int ek_get_tensor(ek_tensor_request *m, const uint8_t *at, uint32_t n) {
  if (n != 3u) return 0;
  m->space = (uint8_t)ek_get_uint(at + 0, 1);
  m->index = (uint16_t)ek_get_uint(at + 1, 2);
  return 1;
}

typedef struct {
  uint8_t dtype;
  uint8_t rank;
  const int32_t *dims;
  float scale;
  int32_t zero_point;
  uint32_t bytes;
  const char *name;
} ek_tensor_reply;

static inline uint8_t *ek_put_tensor(uint8_t *at, const ek_tensor_reply *m) {
  at = ek_put_uint(at, m->dtype, 1);
  at = ek_put_uint(at, m->rank, 1);
  at = ek_put_dims(at, m->dims);
  at = ek_put_f32(at, m->scale);
  at = ek_put_uint(at, (uint32_t)m->zero_point, 4);
  at = ek_put_uint(at, m->bytes, 4);
  at = ek_put_text(at, m->name);
  return at;
}

typedef struct {
  uint16_t index;
  uint32_t offset;
  const uint8_t *data;
  uint32_t data_bytes;
} ek_load_request;

static inline int ek_get_load(ek_load_request *m, const uint8_t *at, uint32_t n) {
  if (n < 6u) return 0;
  m->index = (uint16_t)ek_get_uint(at + 0, 2);
  m->offset = ek_get_uint(at + 2, 4);
  m->data = at + 6;
  m->data_bytes = n - 6u;
  return 1;
}

typedef struct {
  uint64_t ticks;
} ek_run_reply;

static inline uint8_t *ek_put_run(uint8_t *at, const ek_run_reply *m) {
  at = ek_put_u64(at, m->ticks);
  return at;
}

typedef struct {
  uint16_t first;
  uint16_t last;
} ek_profile_request;

static inline int ek_get_profile(ek_profile_request *m, const uint8_t *at, uint32_t n) {
  if (n != 4u) return 0;
  m->first = (uint16_t)ek_get_uint(at + 0, 2);
  m->last = (uint16_t)ek_get_uint(at + 2, 2);
  return 1;
}

typedef struct {
  uint16_t first;
  uint16_t last;
} ek_run_ops_request;

static inline int ek_get_run_ops(ek_run_ops_request *m, const uint8_t *at, uint32_t n) {
  if (n != 4u) return 0;
  m->first = (uint16_t)ek_get_uint(at + 0, 2);
  m->last = (uint16_t)ek_get_uint(at + 2, 2);
  return 1;
}

typedef struct {
  uint8_t space;
  uint16_t index;
  uint32_t offset;
  uint32_t length;
} ek_read_request;

static inline int ek_get_read(ek_read_request *m, const uint8_t *at, uint32_t n) {
  if (n != 11u) return 0;
  m->space = (uint8_t)ek_get_uint(at + 0, 1);
  m->index = (uint16_t)ek_get_uint(at + 1, 2);
  m->offset = ek_get_uint(at + 3, 4);
  m->length = ek_get_uint(at + 7, 4);
  return 1;
}

typedef struct {
  uint32_t arena_bytes;
  uint32_t arena_used_bytes;
  uint32_t stack_used_bytes;
  uint32_t stack_reserved_bytes;
} ek_memory_reply;

static inline uint8_t *ek_put_memory(uint8_t *at, const ek_memory_reply *m) {
  at = ek_put_uint(at, m->arena_bytes, 4);
  at = ek_put_uint(at, m->arena_used_bytes, 4);
  at = ek_put_uint(at, m->stack_used_bytes, 4);
  at = ek_put_uint(at, m->stack_reserved_bytes, 4);
  return at;
}

typedef struct {
  uint32_t baud;
} ek_baud_request;

static inline int ek_get_baud(ek_baud_request *m, const uint8_t *at, uint32_t n) {
  if (n != 4u) return 0;
  m->baud = ek_get_uint(at + 0, 4);
  return 1;
}

typedef struct {
  uint16_t index;
  uint32_t offset;
  const uint8_t *data;
  uint32_t data_bytes;
} ek_sample_request;

static inline int ek_get_sample(ek_sample_request *m, const uint8_t *at, uint32_t n) {
  if (n < 6u) return 0;
  m->index = (uint16_t)ek_get_uint(at + 0, 2);
  m->offset = ek_get_uint(at + 2, 4);
  m->data = at + 6;
  m->data_bytes = n - 6u;
  return 1;
}

typedef struct {
  uint64_t ticks;
} ek_sample_reply;

static inline uint8_t *ek_put_sample(uint8_t *at, const ek_sample_reply *m) {
  at = ek_put_u64(at, m->ticks);
  return at;
}

typedef struct {
  uint16_t code;
  int32_t detail;
  const char *text;
} ek_error_reply;

static inline uint8_t *ek_put_error(uint8_t *at, const ek_error_reply *m) {
  at = ek_put_uint(at, m->code, 2);
  at = ek_put_uint(at, (uint32_t)m->detail, 4);
  at = ek_put_text(at, m->text);
  return at;
}

typedef struct {
  const char *text;
} ek_log_reply;

static inline uint8_t *ek_put_log(uint8_t *at, const ek_log_reply *m) {
  at = ek_put_text(at, m->text);
  return at;
}

#endif
