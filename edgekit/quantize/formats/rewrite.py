# SPDX-License-Identifier: Apache-2.0
"""A full-integer int8 .tflite with layers in other formats, by rewriting its flatbuffer.

TensorFlow's converter knows int8 or int16x8 for a whole model only, and no 4-bit weights in
TFLite Micro's layout. The int8 file has every range that is needed: layers that get 16-bit
activations read and write int16 tensors over the same ranges (symmetric, as TFLite's
specification asks), and a QUANTIZE op stands where two formats meet.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.quantize.flatbuffer import pack, schema, unpack
from edgekit.quantize.formats.choose import INT8, choose_formats
from edgekit.quantize.formats.file import ModelFile, quantization
from edgekit.quantize.formats.kinds import (
    FIXED_SCALE,
    KEPT_INT8,
    ONE_SCALE_INT4,
    SAME_SCALE,
    WEIGHTS,
)
from edgekit.quantize.formats.rules import Format, Rule, check_rules
from edgekit.quantize.formats.weights import narrowed, pack_4_bits
from edgekit.tflite.graph import Graph, Op, Tensor

BIAS_TYPES = ("int64", "int32")
LARGEST_INT32 = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Formatted:
    """The file, and (layer, op kind, format) of each op that is not int8."""

    tflite: bytes
    changed: tuple[tuple[str, str, str], ...]


def apply_formats(
    data: bytes,
    graph: Graph,
    rules: Sequence[Rule],
    *,
    biases: Mapping[tuple[str, str], np.ndarray] | None = None,
    bias_type: str = "int64",
    known_only: bool = True,
) -> Formatted:
    """`data` (an int8 file, `graph` as read from it) with layers as `rules` say.

    `biases` are float biases by layer and op kind, which 16-bit layers hold more exactly than the
    int8 file does. `bias_type` of 16-bit layers is "int64", or "int32" where no sum can exceed it.
    Without `known_only` a file comes out even for ops that TFLite Micro is not known to run so.
    EdgekitError naming layer and op for a format that TFLite Micro has no kernel for, for a rule
    that fits no layer, and where an int32 bias or sum could overflow.
    """
    if bias_type not in BIAS_TYPES:
        raise EdgekitError(
            f"there is no bias of type '{bias_type}'", hint=f"one of: {', '.join(BIAS_TYPES)}"
        )
    check_rules(rules, (op.layer for op in graph.ops))
    chosen = choose_formats(graph, rules, bias_type, known_only=known_only)
    if all(each is INT8 for each in chosen.values()):
        return Formatted(data, ())
    surgery = _Surgery(ModelFile(unpack(data)), graph, chosen, dict(biases or {}), bias_type)
    surgery.run()
    changed = tuple(
        (op.layer, op.kind, chosen[op.index].name)
        for op in graph.ops
        if chosen[op.index] is not INT8
    )
    return Formatted(pack(surgery.file.model), changed)


@dataclass(slots=True, eq=False)
class _Surgery:
    """Changes `model` (a `ModelT`) op by op."""

    file: ModelFile
    graph: Graph
    chosen: Mapping[int, Format]
    biases: dict[tuple[str, str], np.ndarray]
    bias_type: str
    ops: list[Any] = field(default_factory=list)
    # (tensor of the int8 file, activation type) -> tensor that holds it so
    made: dict[tuple[int, str], int] = field(default_factory=dict)
    scales: dict[int, float] = field(default_factory=dict)

    def run(self) -> None:
        producers = {out: op for op in self.graph.ops for out in op.outputs}
        for index in self.graph.inputs:
            self.made[index, "int8"] = index
        self._find_scales(producers)
        for op, raw in zip(self.graph.ops, list(self.file.subgraph.operators), strict=True):
            self._rewrite(op, raw)
        for index in self.graph.outputs:
            self._read_as(index, "int8")
        self.file.subgraph.operators = self.ops

    def _find_scales(self, producers: Mapping[int, Op]) -> None:
        """The int16 scale of every activation, in the order in which they are computed."""
        for tensor in self.graph.tensors:
            if tensor.quant is not None and tensor.dtype == "int8" and not tensor.quant.per_channel:
                self.scales[tensor.index] = wide_scale(tensor)
        for op in self.graph.ops:
            for out in op.outputs:
                if op.kind in FIXED_SCALE:
                    self.scales[out] = FIXED_SCALE[op.kind]
                elif op.kind in SAME_SCALE and out in self.scales:
                    self.scales[out] = self.scales[self._data_input(op)]

    def _data_input(self, op: Op) -> int:
        return next(i for i in op.inputs if i >= 0 and i in self.scales)

    def _rewrite(self, op: Op, raw: Any) -> None:
        form = self.chosen[op.index]
        if form.weight_bits == 4:
            self._narrow_weights(op, raw)
        inputs = [int(index) for index in raw.inputs]
        held = WEIGHTS.get(op.kind, ()) + KEPT_INT8.get(op.kind, ())
        for place, index in enumerate(op.inputs):
            if index >= 0 and place not in held and self._is_activation(index):
                inputs[place] = self._read_as(index, form.activations)
        raw.inputs = inputs
        if form.activations == "int16":
            self._widen_bias(op, raw)
            _set_options(raw, self.bias_type)
        outputs = [int(index) for index in raw.outputs]
        for place, index in enumerate(op.outputs):
            if self._is_activation(index):
                outputs[place] = self._written_as(index, form.activations)
        raw.outputs = outputs
        self.ops.append(raw)

    def _is_activation(self, index: int) -> bool:
        return index in self.scales

    def _written_as(self, index: int, kind: str) -> int:
        if kind == "int8":
            self.made[index, "int8"] = index
            return index
        self.made[index, kind] = self._wide_tensor(index)
        return self.made[index, kind]

    def _read_as(self, index: int, kind: str) -> int:
        """The tensor that holds `index` as `kind`; a QUANTIZE makes it where it is not there."""
        tensor = self.graph.tensor(index)
        if (index, kind) in self.made or not self._is_activation(index):
            return self.made.get((index, kind), index)
        if tensor.is_constant:
            return index if kind == "int8" else self._wide_constant(tensor)
        other = "int16" if kind == "int8" else "int8"
        source = self.made[index, other]
        self.made[index, kind] = index if kind == "int8" else self._wide_tensor(index)
        self.ops.append(self.file.quantize_op(source, self.made[index, kind]))
        return self.made[index, kind]

    def _wide_tensor(self, index: int) -> int:
        tensor = copy.copy(self.file.subgraph.tensors[index])
        tensor.buffer = 0
        tensor.type = schema().TensorType.INT16
        tensor.name = _named(tensor.name, "16")
        tensor.quantization = quantization([self.scales[index]])
        self.file.subgraph.tensors.append(tensor)
        return len(self.file.subgraph.tensors) - 1

    def _wide_constant(self, tensor: Tensor) -> int:
        assert tensor.data is not None
        place = self._wide_tensor(tensor.index)
        real = (tensor.data.astype(np.float64) - tensor.q.zero_point) * tensor.q.scale
        whole = np.clip(_half_away(real / self.scales[tensor.index]), -32767, 32767)
        self.file.fill(place, whole.astype("<i2"))
        self.made[tensor.index, "int16"] = place
        return place

    def _narrow_weights(self, op: Op, raw: Any) -> None:
        """4-bit weights, and a bias in their scale."""
        place, bias_place = WEIGHTS[op.kind]
        weights = self.graph.input_of(op, place)
        if weights.data is None or weights.dtype != "int8":
            raise EdgekitError(
                f"{op.kind} of layer '{op.layer}' has no constant int8 weights to make 4 bits of",
                hint=f"leave that layer int8 (--layer '{op.layer}=int8' after the other rules)",
            )
        number = self.file.own(raw, place)
        q, scales = narrowed(weights, one_scale=op.kind in ONE_SCALE_INT4)
        tensor = self.file.subgraph.tensors[number]
        tensor.type = schema().TensorType.INT4
        tensor.quantization = quantization(scales, weights.q.axis if len(scales) > 1 else 0)
        self.file.fill(number, pack_4_bits(q))
        source = self.graph.input_of(op, 2 if op.kind == "TRANSPOSE_CONV" else 0)
        self._new_bias(op, raw, bias_place, source.q.scale * scales.astype(np.float64), "int32")

    def _widen_bias(self, op: Op, raw: Any) -> None:
        if op.kind not in WEIGHTS:
            return
        place, bias_place = WEIGHTS[op.kind]
        source = op.inputs[2 if op.kind == "TRANSPOSE_CONV" else 0]
        weights = self.graph.input_of(op, place)
        scales = np.array(weights.q.scales) * self.scales[source]
        self._new_bias(op, raw, bias_place, scales, self.bias_type)
        if self.bias_type == "int32":
            _check_sums(op, weights, self._bias_steps(op, bias_place, scales))

    def _new_bias(self, op: Op, raw: Any, place: int, scales: np.ndarray, kind: str) -> None:
        whole = self._bias_steps(op, place, scales)
        if whole is None:
            return
        if kind == "int32" and np.max(np.abs(whole), initial=0) > LARGEST_INT32:
            raise EdgekitError(
                f"the bias of layer '{op.layer}' does not fit 32 bits in its new scale",
                hint="leave --bias-type at int64, or that layer at int8",
            )
        number = self.file.own(raw, place)
        tensor = self.file.subgraph.tensors[number]
        tensor.type = getattr(schema().TensorType, kind.upper())
        tensor.quantization = quantization(scales)
        self.file.fill(number, whole.astype(f"<i{np.dtype(kind).itemsize}"))

    def _bias_steps(self, op: Op, place: int, scales: np.ndarray) -> np.ndarray | None:
        """The bias in steps of `scales`; None where there is none."""
        bias = self.graph.operand(op, place)
        if bias is None or bias.data is None:
            return None
        stored = np.array(bias.q.scales) * bias.data.astype(np.float64).ravel()
        own = self.biases.get((op.layer, op.kind))
        real = stored if own is None or own.size != stored.size else own.astype(np.float64).ravel()
        return _half_away(real / scales)


def wide_scale(tensor: Tensor) -> float:
    """The float32 scale of the symmetric int16 tensor that holds the range of an int8 one."""
    low = (-128 - tensor.q.zero_point) * tensor.q.scale
    high = (127 - tensor.q.zero_point) * tensor.q.scale
    return float(np.float32(max(abs(low), abs(high)) / 32767))


def _check_sums(op: Op, weights: Tensor, bias: np.ndarray | None) -> None:
    """int32 sums of 16-bit products must fit for any input."""
    if weights.data is None:
        return
    channels = weights.channels()
    largest = np.bincount(channels, np.abs(weights.data.astype(np.float64)).ravel()) * 32768
    if bias is not None and len(bias) == len(largest):
        largest = largest + np.abs(bias)
    if largest.max() > LARGEST_INT32:
        raise EdgekitError(
            f"sums of layer '{op.layer}' can exceed 32 bits, and --bias-type int32 sums in 32",
            hint="leave --bias-type at int64, or that layer at int8",
        )


def _set_options(raw: Any, bias_type: str) -> None:
    options = raw.builtinOptions
    if hasattr(options, "potScaleInt16"):
        options.potScaleInt16 = False
    if hasattr(options, "quantizedBiasType"):
        options.quantizedBiasType = getattr(schema().TensorType, bias_type.upper())


def _named(name: Any, suffix: str) -> Any:
    return name if not name else bytes(name) + suffix.encode()


def _half_away(values: np.ndarray) -> np.ndarray:
    return np.trunc(values + np.copysign(0.5, values))
