# SPDX-License-Identifier: Apache-2.0
"""Writes small .tflite files from Python, without TensorFlow: one subgraph, any op.

b = ModelBuilder()
x = b.input((1, 8, 8, 4), scale=0.05, zero_point=-3)
w = b.constant(weights_int8, scales=[...], axis=0)
y = b.op("CONV_2D", [x, w, bias], (1, 8, 8, 6), scale=0.1, options={"padding": SAME})
data = b.finish([y])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import tflite

SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
# Operators whose options table is not called like themselves.
OPTIONS = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_PROD": "ReducerOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "PADV2": "PadV2Options",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "REDUCE_ALL": "ReducerOptions",
    "SPLIT_V": "SplitVOptions",
    "SVDF": "SVDFOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
}
_WINDOW = {"stride_h": 1, "stride_w": 1}
DEFAULTS: dict[str, dict[str, Any]] = {
    "CONV_2D": _WINDOW,
    "TRANSPOSE_CONV": _WINDOW,
    "DEPTHWISE_CONV_2D": _WINDOW | {"depth_multiplier": 1},
    "AVERAGE_POOL_2D": _WINDOW | {"filter_height": 2, "filter_width": 2},
    "MAX_POOL_2D": _WINDOW | {"filter_height": 2, "filter_width": 2},
    "SOFTMAX": {"beta": 1.0},
    "ARG_MAX": {"output_type": tflite.TensorType.INT32},
}


@dataclass(frozen=True, slots=True)
class _TensorSpec:
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    data: np.ndarray | None
    variable: bool = False


@dataclass(frozen=True, slots=True)
class _OpSpec:
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]
    version: int


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def options_table(kind: str) -> str:
    """Name of the schema's options table of an operator, "" where it has none."""
    table = OPTIONS.get(kind, f"{_camel(kind)}Options")
    return table if hasattr(tflite, f"{table}Start") else ""


class ModelBuilder:
    """Collects tensors and ops; `finish` gives the file. Tensors are their indices."""

    def __init__(self) -> None:
        self._tensors: list[_TensorSpec] = []
        self._ops: list[_OpSpec] = []
        self._inputs: list[int] = []

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str = "int8",
        *,
        scale: float = 0.0,
        zero_point: int = 0,
        scales: Sequence[float] = (),
        axis: int = 0,
        data: np.ndarray | None = None,
        name: str = "",
        variable: bool = False,
    ) -> int:
        """Adds a tensor; a `scale` of 0 and no `scales` leaves it without quantization."""
        all_scales = tuple(float(s) for s in (scales if len(scales) else [scale] if scale else []))
        spec = _TensorSpec(
            name=name or f"t{len(self._tensors)}",
            shape=tuple(int(side) for side in shape),
            dtype=dtype,
            scales=all_scales,
            zero_points=(int(zero_point),) * len(all_scales),
            axis=axis,
            data=data,
            variable=variable,
        )
        self._tensors.append(spec)
        return len(self._tensors) - 1

    def input(self, shape: Sequence[int], dtype: str = "int8", **rest: Any) -> int:
        """Adds a tensor that is an input of the model."""
        self._inputs.append(self.tensor(shape, dtype, **rest))
        return self._inputs[-1]

    def constant(self, array: Any, **rest: Any) -> int:
        """Adds a constant with `array`'s shape and dtype (a list of ints becomes int32)."""
        values = np.asarray(array)
        if not isinstance(array, np.ndarray) and values.dtype == np.int64:
            values = values.astype(np.int32)
        return self.tensor(values.shape, values.dtype.name, data=values, **rest)

    def op(
        self,
        kind: str,
        inputs: Sequence[int],
        shape: Sequence[int] | Sequence[Sequence[int]] = (),
        dtype: str = "int8",
        *,
        options: Mapping[str, Any] | None = None,
        version: int = 1,
        count: int = 0,
        **rest: Any,
    ) -> Any:
        """Adds an operator; -1 in `inputs` is an absent one. Returns its new output tensor.

        With `count` > 0 there are that many outputs of the same shape, and a list returns.
        `options` are the schema's, in snake_case; strides default to 1, a pool's window to 2.
        """
        outputs = [self.tensor(shape, dtype, **rest) for _ in range(count or 1)]
        given = DEFAULTS.get(kind, {}) | dict(options or {})
        self.add_op(kind, inputs, outputs, given, version)
        return outputs if count else outputs[0]

    def add_op(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Mapping[str, Any],
        version: int = 1,
    ) -> None:
        """Adds an operator between tensors that are there already; no option has a default."""
        self._ops.append(_OpSpec(kind, tuple(inputs), tuple(outputs), dict(options), version))

    def finish(self, outputs: Sequence[int]) -> bytes:
        """The .tflite file with these outputs."""
        return _Writer(self._tensors, self._ops, self._inputs, outputs).file()


class _Writer:
    def __init__(
        self,
        tensors: Sequence[_TensorSpec],
        ops: Sequence[_OpSpec],
        inputs: Sequence[int],
        outputs: Sequence[int],
    ) -> None:
        self._fb = flatbuffers.Builder(1024)
        self._tensors, self._ops = tensors, ops
        self._inputs, self._outputs = inputs, outputs
        self._codes = sorted({(op.kind, op.version) for op in ops})

    def file(self) -> bytes:
        fb = self._fb
        buffers = [self._buffer(None)] + [self._buffer(t.data) for t in self._tensors]
        codes = [self._code(kind, version) for kind, version in self._codes]
        subgraph = self._subgraph()
        buffer_vector = self._offsets(buffers)
        code_vector = self._offsets(codes)
        graph_vector = self._offsets([subgraph])
        description = fb.CreateString("edgekit test model")
        tflite.ModelStart(fb)
        tflite.ModelAddVersion(fb, 3)
        tflite.ModelAddOperatorCodes(fb, code_vector)
        tflite.ModelAddSubgraphs(fb, graph_vector)
        tflite.ModelAddDescription(fb, description)
        tflite.ModelAddBuffers(fb, buffer_vector)
        fb.Finish(tflite.ModelEnd(fb), b"TFL3")
        return bytes(fb.Output())

    def _offsets(self, offsets: Sequence[int]) -> int:
        self._fb.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._fb.PrependUOffsetTRelative(offset)
        return int(self._fb.EndVector())

    def _numbers(self, values: Sequence[Any], dtype: str) -> int:
        return int(self._fb.CreateNumpyVector(np.array(values, dtype=dtype)))

    def _buffer(self, data: np.ndarray | None) -> int:
        vector = None
        if data is not None:
            raw = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            # 16-byte alignment, as the converter writes it: kernels read int32 in place.
            self._fb.Prep(16, len(raw))
            vector = self._fb.CreateNumpyVector(raw)
        tflite.BufferStart(self._fb)
        if vector is not None:
            tflite.BufferAddData(self._fb, vector)
        return int(tflite.BufferEnd(self._fb))

    def _code(self, kind: str, version: int) -> int:
        number = getattr(tflite.BuiltinOperator, kind)
        custom = self._fb.CreateString("toy") if kind == "CUSTOM" else None
        tflite.OperatorCodeStart(self._fb)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(self._fb, min(number, 127))
        tflite.OperatorCodeAddBuiltinCode(self._fb, number)
        tflite.OperatorCodeAddVersion(self._fb, version)
        if custom is not None:
            tflite.OperatorCodeAddCustomCode(self._fb, custom)
        return int(tflite.OperatorCodeEnd(self._fb))

    def _subgraph(self) -> int:
        fb = self._fb
        tensors = self._offsets([self._tensor(i, t) for i, t in enumerate(self._tensors)])
        ops = self._offsets([self._op(op) for op in self._ops])
        inputs = self._numbers(self._inputs, "int32")
        outputs = self._numbers(self._outputs, "int32")
        tflite.SubGraphStart(fb)
        tflite.SubGraphAddTensors(fb, tensors)
        tflite.SubGraphAddInputs(fb, inputs)
        tflite.SubGraphAddOutputs(fb, outputs)
        tflite.SubGraphAddOperators(fb, ops)
        return int(tflite.SubGraphEnd(fb))

    def _tensor(self, index: int, spec: _TensorSpec) -> int:
        fb = self._fb
        name = fb.CreateString(spec.name)
        shape = self._numbers(spec.shape, "int32")
        quant = self._quant(spec) if spec.scales else None
        tflite.TensorStart(fb)
        tflite.TensorAddName(fb, name)
        tflite.TensorAddShape(fb, shape)
        tflite.TensorAddType(fb, getattr(tflite.TensorType, spec.dtype.upper()))
        tflite.TensorAddBuffer(fb, index + 1 if spec.data is not None else 0)
        tflite.TensorAddIsVariable(fb, spec.variable)
        if quant is not None:
            tflite.TensorAddQuantization(fb, quant)
        return int(tflite.TensorEnd(fb))

    def _quant(self, spec: _TensorSpec) -> int:
        fb = self._fb
        scales = self._numbers(spec.scales, "float32")
        zero_points = self._numbers(spec.zero_points, "int64")
        tflite.QuantizationParametersStart(fb)
        tflite.QuantizationParametersAddScale(fb, scales)
        tflite.QuantizationParametersAddZeroPoint(fb, zero_points)
        tflite.QuantizationParametersAddQuantizedDimension(fb, spec.axis)
        return int(tflite.QuantizationParametersEnd(fb))

    def _op(self, op: _OpSpec) -> int:
        fb = self._fb
        inputs = self._numbers(op.inputs, "int32")
        outputs = self._numbers(op.outputs, "int32")
        table = options_table(op.kind)
        options = self._options(table, op.options) if table else None
        tflite.OperatorStart(fb)
        tflite.OperatorAddOpcodeIndex(fb, self._codes.index((op.kind, op.version)))
        tflite.OperatorAddInputs(fb, inputs)
        tflite.OperatorAddOutputs(fb, outputs)
        if options is not None:
            tflite.OperatorAddBuiltinOptionsType(fb, getattr(tflite.BuiltinOptions, table))
            tflite.OperatorAddBuiltinOptions(fb, options)
        return int(tflite.OperatorEnd(fb))

    def _options(self, table: str, options: Mapping[str, Any]) -> int:
        fields = {
            name: self._numbers(value, "int32") if isinstance(value, (list, tuple)) else value
            for name, value in options.items()
        }
        getattr(tflite, f"{table}Start")(self._fb)
        for name, value in fields.items():
            getattr(tflite, f"{table}Add{_camel(name)}")(self._fb, value)
        return int(getattr(tflite, f"{table}End")(self._fb))
