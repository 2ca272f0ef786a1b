/* SPDX-License-Identifier: Apache-2.0 */
/* Binds TFLite Micro's interpreter to the interface that the app talks to.

   An invoke is the interpreter's own, untouched. To run or time one op alone, the invoke pointers
   of the resolver's registrations are exchanged for trampolines while that op runs, which skip
   every other op: TFLM's profiler is compiled out of release builds, these pointers are not. */
#include <new>
#include <type_traits>
#include <utility>

#include "ek_model.h"
#include "ek_tflm_model.h"
#include "ek_timing.h"
#include "tensorflow/lite/micro/memory_helpers.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"

namespace {

enum Status { READY = 0, WRONG_SCHEMA = 1, OP_NOT_ADDED = 2, ARENA_TOO_SMALL = 3, WRONG_MODEL = 4 };

constexpr unsigned int SCHEMA_VERSION = 3;

using Resolver = EK_TFLM_RESOLVER;
using Interpreter = tflite::MicroInterpreter;
// The type's name has changed between versions of TFLM.
using Registration =
    std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<const Resolver &>().FindOp(
        tflite::BuiltinOperator_ADD))>>;
using Kernel = decltype(Registration::invoke);

struct Hook {
  Registration *registration;
  Kernel kernel;
};

alignas(16) uint8_t arena[EK_TFLM_ARENA_BYTES];
// Built in init(): without objects that construct themselves, start-up code needs no C++.
alignas(Resolver) uint8_t resolver_memory[sizeof(Resolver)];
alignas(Interpreter) uint8_t interpreter_memory[sizeof(Interpreter)];
Interpreter *interpreter;
const tflite::Model *model;
ek_tensor inputs[EK_TFLM_INPUTS];
ek_tensor outputs[EK_TFLM_OUTPUTS];

Hook hooks[EK_TFLM_OP_TYPES];
unsigned int hook_count;
int wanted_op;
int current_op;
int depth;  // inside the wanted op: the ops of a subgraph that it calls all run
uint64_t *wanted_ticks;
TfLiteContext *op_context;
TfLiteNode *op_node;
Kernel op_kernel;

int run_kernel() {
  return op_kernel(op_context, op_node);
}

TfLiteStatus run_hooked(unsigned int number, TfLiteContext *context, TfLiteNode *node) {
  if (depth > 0) return hooks[number].kernel(context, node);
  if (current_op++ != wanted_op) return kTfLiteOk;
  op_context = context;
  op_node = node;
  op_kernel = hooks[number].kernel;
  depth++;
  const int status =
      wanted_ticks != nullptr ? ek_timing_invoke(run_kernel, wanted_ticks) : run_kernel();
  depth--;
  return static_cast<TfLiteStatus>(status);
}

template <unsigned int Number>
TfLiteStatus trampoline(TfLiteContext *context, TfLiteNode *node) {
  return run_hooked(Number, context, node);
}

template <unsigned int... Numbers>
void exchange(std::integer_sequence<unsigned int, Numbers...>, bool hooked) {
  static constexpr Kernel trampolines[] = {trampoline<Numbers>...};
  for (unsigned int i = 0; i < hook_count; i++) {
    hooks[i].registration->invoke = hooked ? trampolines[i] : hooks[i].kernel;
  }
}

void set_hooks(bool hooked) {
  exchange(std::make_integer_sequence<unsigned int, EK_TFLM_OP_TYPES>(), hooked);
}

void remember(const Registration *found) {
  for (unsigned int i = 0; i < hook_count; i++) {
    if (hooks[i].registration == found) return;
  }
  if (found == nullptr || hook_count == EK_TFLM_OP_TYPES) return;
  // The resolver keeps its registrations as plain members; only its interface is const.
  hooks[hook_count].registration = const_cast<Registration *>(found);
  hooks[hook_count++].kernel = found->invoke;
}

// Files of before schema 3a have the operator in the deprecated field alone.
tflite::BuiltinOperator builtin_code(const tflite::OperatorCode *code) {
  const auto old = static_cast<tflite::BuiltinOperator>(code->deprecated_builtin_code());
  return code->builtin_code() > old ? code->builtin_code() : old;
}

void find_registrations(const Resolver &resolver) {
  for (const tflite::OperatorCode *code : *model->operator_codes()) {
    const bool custom = builtin_code(code) == tflite::BuiltinOperator_CUSTOM;
    remember(custom ? resolver.FindOp(code->custom_code()->c_str())
                    : resolver.FindOp(builtin_code(code)));
  }
}

void describe(ek_tensor *to, const tflite::Tensor *from, const TfLiteTensor *where) {
  to->name = from->name() != nullptr ? from->name()->c_str() : "";
  to->dtype = static_cast<uint8_t>(from->type());
  const auto *shape = from->shape();
  const unsigned int rank = shape != nullptr ? shape->size() : 0;
  to->rank = static_cast<uint8_t>(rank < EK_MAX_RANK ? rank : EK_MAX_RANK);
  for (unsigned int i = 0; i < to->rank; i++) to->dims[i] = shape->Get(i);
  const auto *quantization = from->quantization();
  if (quantization != nullptr && quantization->scale() != nullptr &&
      quantization->scale()->size() > 0) {
    to->scale = quantization->scale()->Get(0);
    to->zero_point = static_cast<int32_t>(quantization->zero_point()->Get(0));
  }
  to->bytes = static_cast<uint32_t>(where->bytes);
  to->data = where->data.data;
}

int describe_tensors() {
  const tflite::SubGraph *graph = model->subgraphs()->Get(0);
  if (interpreter->inputs_size() != EK_TFLM_INPUTS ||
      interpreter->outputs_size() != EK_TFLM_OUTPUTS) {
    return WRONG_MODEL;
  }
  for (unsigned int i = 0; i < EK_TFLM_INPUTS; i++) {
    describe(&inputs[i], graph->tensors()->Get(graph->inputs()->Get(i)), interpreter->input(i));
  }
  for (unsigned int i = 0; i < EK_TFLM_OUTPUTS; i++) {
    describe(&outputs[i], graph->tensors()->Get(graph->outputs()->Get(i)), interpreter->output(i));
  }
  return READY;
}

Interpreter *make_interpreter(const Resolver &resolver) {
#if EK_TFLM_VARIABLES > 0
  tflite::MicroAllocator *allocator = tflite::MicroAllocator::Create(arena, sizeof arena);
  if (allocator == nullptr) return nullptr;
  auto *variables = tflite::MicroResourceVariables::Create(allocator, EK_TFLM_VARIABLES);
  return new (interpreter_memory) Interpreter(model, resolver, allocator, variables);
#else
  return new (interpreter_memory) Interpreter(model, resolver, arena, sizeof arena);
#endif
}

int init() {
  model = tflite::GetModel(EK_TFLM_DATA);
  if (model->version() != SCHEMA_VERSION) return WRONG_SCHEMA;
  auto *resolver = new (resolver_memory) Resolver();
  if (EK_TFLM_ADD_OPS(*resolver) != kTfLiteOk) return OP_NOT_ADDED;
  find_registrations(*resolver);
  interpreter = make_interpreter(*resolver);
  if (interpreter == nullptr || interpreter->AllocateTensors() != kTfLiteOk) {
    return ARENA_TOO_SMALL;
  }
  return describe_tensors();
}

/* An LSTM keeps its states from one Invoke() to the next; an inference of Keras begins anew. */
int invoke() {
#if EK_TFLM_FORGETS
  const int status = interpreter->Reset();
  if (status != kTfLiteOk) return status;
#endif
  return interpreter->Invoke();
}

int run_op(uint16_t op, uint64_t *ticks) {
  wanted_op = op;
  wanted_ticks = ticks;
  current_op = 0;
  depth = 0;
  set_hooks(true);
  const int status = invoke();
  set_hooks(false);
  return status;
}

int invoke_op(uint16_t op) {
  return run_op(op, nullptr);
}

int time_op(uint16_t op, uint64_t *ticks) {
  return run_op(op, ticks);
}

const void *op_output(uint16_t position, uint32_t *bytes) {
  if (op_node == nullptr || position >= op_node->outputs->size) return nullptr;
  const int index = op_node->outputs->data[position];
  const TfLiteEvalTensor *tensor = op_context->GetEvalTensor(op_context, index);
  size_t length = 0;
  if (tensor == nullptr || tflite::TfLiteEvalTensorByteLength(tensor, &length) != kTfLiteOk) {
    return nullptr;
  }
  *bytes = static_cast<uint32_t>(length);
  return tensor->data.data;
}

uint32_t arena_used() {
  return interpreter != nullptr ? static_cast<uint32_t>(interpreter->arena_used_bytes()) : 0u;
}

}  // namespace

extern "C" const ek_model ek_the_model = {
    EK_TFLM_NAME,    "tflm",     EK_TFLM_SHA256, EK_TFLM_INPUTS, EK_TFLM_OUTPUTS, EK_TFLM_OPS,
    sizeof arena,
    nullptr,  // the interpreter alone knows where in the arena a tensor lies
    inputs,          outputs,    init,           invoke,         invoke_op,       EK_TFLM_VERSION,
    EK_TFLM_KERNELS, arena_used, time_op,        op_output,      nullptr,
};
