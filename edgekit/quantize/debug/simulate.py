# SPDX-License-Identifier: Apache-2.0
"""The float file with some layers quantized: what each one costs, without the others' errors.

A quantized activation is rounded by a QUANTIZE and a DEQUANTIZE behind the op that makes it, a
quantized constant holds the numbers that its integers stand for. TFLite runs such a file as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.model.tf import quiet, tensorflow
from edgekit.quantize.debug.align import Step
from edgekit.quantize.flatbuffer import schema, unpack
from edgekit.tflite.graph import Tensor

INT16_MAX = 32767


@dataclass(frozen=True, slots=True)
class Choice:
    """`layers` are quantized; of those, activations of `wide` ones have 16 bits."""

    layers: frozenset[str]
    wide: frozenset[str] = frozenset()


class Simulation:
    """Runs variants of `float_file` on the same samples `x` (one array per input)."""

    def __init__(self, float_file: bytes, steps: Sequence[Step], x: Sequence[np.ndarray]) -> None:
        self._file, self._steps, self._x = float_file, steps, x

    def run(self, choice: Choice, wanted: Collection[int]) -> dict[int, np.ndarray]:
        """Values of the tensors `wanted` (float file), rounded where chosen, samples first."""
        data, places = self._variant(choice)
        found: dict[int, list[np.ndarray]] = {index: [] for index in wanted}
        with quiet():
            interpreter = _interpreter(data)
            entries = interpreter.get_input_details()
            for i in range(len(self._x[0])):
                for entry, array in zip(entries, self._x, strict=True):
                    interpreter.set_tensor(entry["index"], array[i : i + 1].astype(entry["dtype"]))
                interpreter.invoke()
                for index, values in found.items():
                    values.append(np.array(interpreter.get_tensor(places.get(index, index))))
        return {index: np.concatenate(values) for index, values in found.items()}

    def _variant(self, choice: Choice) -> tuple[bytes, dict[int, int]]:
        """The file, and for each rounded tensor the one that holds its rounded values."""
        from tensorflow.lite.tools import flatbuffer_utils

        editor = _Editor(unpack(self._file))
        for step in self._steps:
            if step.layer not in choice.layers:
                continue
            for index, stored in step.constants:
                editor.set_constant(index, _real(stored))
            for index, stored in step.outputs:
                editor.round(index, stored, step.index, wide=step.layer in choice.wide)
        model = editor.finish()
        return bytes(flatbuffer_utils.convert_object_to_bytearray(model)), editor.places


def _interpreter(data: bytes) -> Any:
    tf = tensorflow()
    kinds = tf.lite.experimental.OpResolverType
    interpreter = tf.lite.Interpreter(
        model_content=data,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    return interpreter


def _real(stored: Tensor) -> np.ndarray:
    """What the integers of a constant stand for, float32 in its shape."""
    assert stored.data is not None
    channels = stored.channels()
    scales, zeros = np.array(stored.q.scales), np.array(stored.q.zero_points)
    flat = (stored.data.ravel().astype(np.float64) - zeros[channels]) * scales[channels]
    return flat.reshape(stored.shape).astype(np.float32)


class _Editor:
    """Changes one file; `places` maps a tensor to its rounded copy."""

    def __init__(self, model: Any) -> None:
        self._model, self._graph = model, model.subgraphs[0]
        self._before: dict[int, list[Any]] = {}
        self.places: dict[int, int] = {}

    def set_constant(self, index: int, values: np.ndarray) -> None:
        buffer = schema().BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        self._graph.tensors[index].buffer = len(self._model.buffers) - 1

    def round(self, index: int, stored: Tensor, made_by: int, *, wide: bool) -> None:
        tensor = self._graph.tensors[index]
        kinds = schema().TensorType
        if tensor.type != kinds.FLOAT32 or stored.quant is None or index in self.places:
            return
        scale, zero_point = stored.q.scale, stored.q.zero_point
        kind = {"int8": kinds.INT8, "int16": kinds.INT16}.get(stored.dtype)
        if wide and stored.dtype == "int8":
            reach = scale * max(127 - zero_point, zero_point + 128)
            scale, zero_point, kind = reach / INT16_MAX, 0, kinds.INT16
        if kind is None:
            return
        small = self._tensor(tensor, kind, scale, zero_point)
        back = self._tensor(tensor, kinds.FLOAT32, 0.0, 0)
        names = schema().BuiltinOperator
        pair = [self._op(names.QUANTIZE, index, small), self._op(names.DEQUANTIZE, small, back)]
        self._before.setdefault(made_by + 1, []).extend(pair)
        self.places[index] = back

    def _tensor(self, like: Any, kind: int, scale: float, zero_point: int) -> int:
        tensor = schema().TensorT()
        tensor.shape, tensor.type, tensor.buffer = like.shape, kind, 0
        tensor.name = b"rounded"
        if scale:
            tensor.quantization = schema().QuantizationParametersT()
            tensor.quantization.scale = np.array([scale], np.float32)
            tensor.quantization.zeroPoint = np.array([zero_point], np.int64)
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _op(self, kind: int, source: int, result: int) -> Any:
        code = schema().OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        code.version = 2
        self._model.operatorCodes.append(code)
        op = schema().OperatorT()
        op.opcodeIndex = len(self._model.operatorCodes) - 1
        op.inputs, op.outputs = [source], [result]
        return op

    def finish(self) -> Any:
        """The model with every consumer of a rounded tensor fed by the rounded copy."""
        operators = []
        for index, op in enumerate([*self._graph.operators, None]):
            operators += self._before.get(index, [])
            if op is not None:
                op.inputs = [self.places.get(int(i), int(i)) for i in op.inputs]
                operators.append(op)
        self._graph.operators = operators
        self._graph.outputs = [self.places.get(int(i), int(i)) for i in self._graph.outputs]
        for signature in self._model.signatureDefs or ():
            for entry in signature.outputs:
                entry.tensorIndex = self.places.get(entry.tensorIndex, entry.tensorIndex)
        return self._model
