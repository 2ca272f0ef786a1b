/* SPDX-License-Identifier: Apache-2.0 */
#include "ek_requests.h"

#include <string.h>

#include "ek_board.h"
#include "ek_frame.h"
#include "ek_memory.h"
#include "ek_model.h"
#include "ek_port.h"
#include "ek_session.h"
#include "ek_timing.h"

/* Most that the way to the host carries; the board's file knows. */
#ifndef EK_MAX_BAUD
#define EK_MAX_BAUD EK_BAUD
#endif
/* Ticks come before the outputs in SAMPLE's answer. */
#define EK_SAMPLE_OUTPUT_BYTES (EK_MAX_PAYLOAD - 8u)

static int model_status;
/* The answer that is being written. */
static uint8_t *out;

static uint8_t *payload_of_answer(void) {
  return out + EK_HEADER_BYTES;
}

static uint8_t *refuse(uint16_t code, int32_t detail, const char *text) {
  const ek_error_reply reply = {code, detail, text};
  out[EK_AT_KIND] = EK_MSG_ERROR;
  return ek_put_error(payload_of_answer(), &reply);
}

static uint8_t *refuse_length(uint32_t length) {
  return refuse(EK_ERR_BAD_LENGTH, (int32_t)length, "");
}

static uint8_t *hello(void) {
  const ek_model *model = &ek_the_model;
  const ek_hello_reply reply = {
      .nonce = ek_session_nonce(),
      .boot_id = ek_session_boot_id(),
      .max_baud = EK_MAX_BAUD,
      .protocol_version = EK_PROTOCOL_VERSION,
      .max_payload = EK_MAX_PAYLOAD,
      .counter_hz = ek_timing_hz(),
      .counter_overhead_ticks = ek_timing_overhead(),
      .model_status = model_status,
      .input_count = model->input_count,
      .output_count = model->output_count,
      .op_count = model->op_count,
      .flags = (uint8_t)((model->invoke_op != NULL ? EK_HAS_INVOKE_OP : 0) |
                         (model->arena != NULL ? EK_HAS_ARENA : 0) |
                         (model->op_output != NULL ? EK_HAS_OP_OUTPUT : 0)),
      .arena_bytes = model->arena_bytes,
      .build_id = EK_BUILD_ID,
      .board = EK_BOARD_ID,
      .counter = ek_port_counter_name(),
      .model_name = model->name,
      .runtime = model->runtime,
      .model_sha256 = model->sha256,
      .runtime_version = model->runtime_version != NULL ? model->runtime_version : "",
      .kernels = model->kernels != NULL ? model->kernels : "",
  };
  return ek_put_hello(payload_of_answer(), &reply);
}

static const ek_tensor *find_tensor(uint8_t space, uint16_t index) {
  const int input = space == EK_SPACE_INPUT;
  const uint16_t count = input ? ek_the_model.input_count : ek_the_model.output_count;
  if (space > EK_SPACE_OUTPUT || index >= count) return NULL;
  return (input ? ek_the_model.inputs : ek_the_model.outputs) + index;
}

static uint8_t *tensor(const uint8_t *payload, uint32_t length) {
  ek_tensor_request ask;
  if (!ek_get_tensor(&ask, payload, length)) return refuse_length(length);
  const ek_tensor *found = find_tensor(ask.space, ask.index);
  if (found == NULL) return refuse(EK_ERR_BAD_INDEX, ask.index, "");
  const ek_tensor_reply reply = {
      .dtype = found->dtype,
      .rank = found->rank,
      .dims = found->dims,
      .scale = found->scale,
      .zero_point = found->zero_point,
      .bytes = found->bytes,
      .name = found->name,
  };
  return ek_put_tensor(payload_of_answer(), &reply);
}

static int outside(uint32_t offset, uint32_t length, uint32_t bytes) {
  return offset > bytes || length > bytes - offset;
}

/* NULL where the bytes were stored, else the refusal. LOAD and SAMPLE are laid out alike. */
static uint8_t *store(const uint8_t *payload, uint32_t length) {
  ek_load_request ask;
  if (!ek_get_load(&ask, payload, length)) return refuse_length(length);
  const ek_tensor *input = find_tensor(EK_SPACE_INPUT, ask.index);
  if (input == NULL) return refuse(EK_ERR_BAD_INDEX, ask.index, "");
  if (outside(ask.offset, ask.data_bytes, input->bytes)) {
    return refuse(EK_ERR_OUT_OF_RANGE, (int32_t)input->bytes, "");
  }
  if (input->data != NULL) {
    memcpy((uint8_t *)input->data + ask.offset, ask.data, ask.data_bytes);
  } else if (ek_the_model.load(ask.index, ask.offset, ask.data, ask.data_bytes) != 0) {
    return refuse(EK_ERR_NOT_SUPPORTED, (int32_t)ask.offset, "loading out of order");
  }
  return NULL;
}

static uint8_t *load(const uint8_t *payload, uint32_t length) {
  uint8_t *refused = store(payload, length);
  return refused != NULL ? refused : payload_of_answer();
}

static uint8_t *run(void) {
  ek_run_reply reply;
  const int status = ek_timing_invoke(ek_the_model.invoke, &reply.ticks);
  if (status != 0) return refuse(EK_ERR_MODEL_FAILED, status, "invoke");
  return ek_put_run(payload_of_answer(), &reply);
}

/* The outputs in a row, as much of them as there is room for; the host reads the rest. */
static uint8_t *sample(const uint8_t *payload, uint32_t length) {
  uint8_t *refused = store(payload, length);
  if (refused != NULL) return refused;
  uint8_t *end = run();
  uint32_t room = out[EK_AT_KIND] == EK_MSG_ERROR ? 0u : EK_SAMPLE_OUTPUT_BYTES;
  for (uint16_t i = 0; i < ek_the_model.output_count && room > 0u; i++) {
    const ek_tensor *from = &ek_the_model.outputs[i];
    const uint32_t count = from->bytes < room ? from->bytes : room;
    memcpy(end, from->data, count);
    end += count;
    room -= count;
  }
  return end;
}

/* The rate changes after the answer is out. */
static uint8_t *baud(const uint8_t *payload, uint32_t length) {
  ek_baud_request ask;
  if (!ek_get_baud(&ask, payload, length)) return refuse_length(length);
  if (ask.baud < EK_BAUD || ask.baud > EK_MAX_BAUD) {
    return refuse(EK_ERR_NOT_SUPPORTED, (int32_t)EK_MAX_BAUD, "this rate");
  }
  return payload_of_answer();
}

static int time_op(uint16_t op, uint64_t *ticks) {
  if (ek_the_model.time_op != NULL) return ek_the_model.time_op(op, ticks);
  return ek_timing_invoke_op(ek_the_model.invoke_op, op, ticks);
}

/* Both PROFILE and RUN_OPS; `timed` gives a u32 of ticks for each op (more does not fit: the
   largest u32 says so). */
static uint8_t *run_ops(const uint8_t *payload, uint32_t length, int timed) {
  ek_run_ops_request ask;
  if (!ek_get_run_ops(&ask, payload, length)) return refuse_length(length);
  if (ek_the_model.invoke_op == NULL) return refuse(EK_ERR_NOT_SUPPORTED, 0, "ops one by one");
  if (ask.first > ask.last || ask.last >= ek_the_model.op_count) {
    return refuse(EK_ERR_BAD_INDEX, ask.last, "");
  }
  const uint32_t count = (uint32_t)ask.last - ask.first + 1u;
  if (timed && count > EK_MAX_PAYLOAD / 4u) {
    return refuse(EK_ERR_OUT_OF_RANGE, (int32_t)EK_MAX_PAYLOAD, "");
  }
  uint8_t *end = payload_of_answer();
  for (uint32_t i = 0; i < count; i++) {
    uint64_t ticks;
    const uint16_t op = (uint16_t)(ask.first + i);
    const int status = time_op(op, &ticks);
    if (status != 0) return refuse(EK_ERR_MODEL_FAILED, status, "invoke_op");
    if (timed) end = ek_put_uint(end, ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks, 4);
  }
  return end;
}

/* NULL where there is no such memory. */
static const uint8_t *find_bytes(uint8_t space, uint16_t index, uint32_t *bytes) {
  if (space == EK_SPACE_ARENA) {
    *bytes = ek_the_model.arena_bytes;
    return ek_the_model.arena;
  }
  if (space == EK_SPACE_OP_OUTPUT) {
    return ek_the_model.op_output != NULL ? ek_the_model.op_output(index, bytes) : NULL;
  }
  const ek_tensor *found = find_tensor(space, index);
  if (found == NULL) return NULL;
  *bytes = found->bytes;
  return found->data;
}

static uint8_t *read_bytes(const uint8_t *payload, uint32_t length) {
  ek_read_request ask;
  if (!ek_get_read(&ask, payload, length)) return refuse_length(length);
  uint32_t bytes = 0;
  const uint8_t *from = find_bytes(ask.space, ask.index, &bytes);
  if (from == NULL && (ask.space >= EK_SPACE_ARENA || bytes > 0u)) {
    return refuse(EK_ERR_NOT_SUPPORTED, 0, "reading inside the model");
  }
  if (from == NULL) return refuse(EK_ERR_BAD_INDEX, ask.index, "");
  if (outside(ask.offset, ask.length, bytes)) {
    return refuse(EK_ERR_OUT_OF_RANGE, (int32_t)bytes, "");
  }
  if (ask.length > EK_MAX_PAYLOAD) {
    return refuse(EK_ERR_OUT_OF_RANGE, (int32_t)EK_MAX_PAYLOAD, "");
  }
  memcpy(payload_of_answer(), from + ask.offset, ask.length);
  return payload_of_answer() + ask.length;
}

static uint8_t *memory(void) {
  const ek_model *model = &ek_the_model;
  const ek_memory_reply reply = {
      .arena_bytes = model->arena_bytes,
      .arena_used_bytes = model->arena_used != NULL ? model->arena_used() : model->arena_bytes,
      .stack_used_bytes = ek_memory_stack_used(),
      .stack_reserved_bytes = ek_memory_stack_reserved(),
  };
  return ek_put_memory(payload_of_answer(), &reply);
}

/* Returns the end of the answer's payload. */
static uint8_t *serve(uint8_t kind, const uint8_t *payload, uint32_t length) {
  const int runs = kind == EK_MSG_RUN || kind == EK_MSG_PROFILE || kind == EK_MSG_RUN_OPS ||
                   kind == EK_MSG_SAMPLE;
  if (runs && model_status != 0) return refuse(EK_ERR_MODEL_NOT_READY, model_status, "");
  switch (kind) {
    case EK_MSG_HELLO:
      return hello();
    case EK_MSG_TENSOR:
      return tensor(payload, length);
    case EK_MSG_LOAD:
      return load(payload, length);
    case EK_MSG_RUN:
      return run();
    case EK_MSG_PROFILE:
      return run_ops(payload, length, 1);
    case EK_MSG_RUN_OPS:
      return run_ops(payload, length, 0);
    case EK_MSG_READ:
      return read_bytes(payload, length);
    case EK_MSG_MEMORY:
      return memory();
    case EK_MSG_BAUD:
      return baud(payload, length);
    case EK_MSG_SAMPLE:
      return sample(payload, length);
    case EK_MSG_RESET:
    case EK_MSG_BOOTLOADER:
      return payload_of_answer();
    default:
      return refuse(EK_ERR_UNKNOWN_KIND, kind, "");
  }
}

void ek_requests_start(void) {
  model_status = ek_the_model.init();
}

int ek_requests_model_status(void) {
  return model_status;
}

uint32_t ek_requests_serve(const uint8_t *frame, uint32_t length, uint8_t *answer) {
  const uint8_t kind = frame[EK_AT_KIND];
  const uint16_t id = (uint16_t)ek_get_uint(frame + EK_AT_REQUEST_ID, 2);
  out = answer;
  (void)ek_frame_begin(answer, (uint8_t)(kind | EK_REPLY), id, ek_session_number());
  const uint8_t *end = serve(kind, frame + EK_HEADER_BYTES, length - EK_HEADER_BYTES);
  return (uint32_t)(end - answer);
}
