# SPDX-License-Identifier: Apache-2.0
"""Islands out of the float file before it is quantized, and into the int8 file as tables."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgekit.quantize.arrays import quantize_array
from edgekit.quantize.flatbuffer import pack, schema, unpack
from edgekit.quantize.tables.find import Island

INT8 = np.arange(-128, 128)
Ranges = Mapping[int, tuple[float, float]]
_SIGN = ";edgekit_table_"  # in the name of an island's output, to know it again


def collapsed(float_file: bytes, islands: Sequence[Island]) -> bytes:
    """The file with one ELU, which the quantizer leaves in float, in the place of each island.

    Tensors keep their numbers.
    """
    if not islands:
        return float_file
    model = unpack(float_file)
    graph = model.subgraphs[0]
    made = {int(op.outputs[0]): op for op in graph.operators if len(op.outputs)}
    for number, island in enumerate(islands):
        _become(model, made[island.output], "ELU", [island.root])
        tensor = graph.tensors[island.output]
        tensor.name = bytes(tensor.name or b"") + f"{_SIGN}{number}_".encode()
    _drop_unread(graph)
    _drop_unused_kinds(model)
    return pack(model)


def with_tables(int8_file: bytes, islands: Sequence[Island], ranges: Ranges) -> bytes:
    """The quantized file with int8 ops where `collapsed` has put float ones.

    `ranges`, by tensor of the float file, are for ends that the quantizer has left in float.
    """
    if not islands:
        return int8_file
    model = unpack(int8_file)
    graph = model.subgraphs[0]
    for op in list(graph.operators):
        number = _number(model, op)
        if number is not None:
            _swap(model, op, islands[number], ranges)
    _drop_unread(graph)
    _drop_unused_kinds(model)
    return pack(model)


def _number(model: Any, op: Any) -> int | None:
    """Which island `op` stands for; None for any other op."""
    if _kind(model, op) != schema().BuiltinOperator.ELU:
        return None
    readers = _readers(model, int(op.outputs[0]))
    for index in (op.outputs[0], *(reader.outputs[0] for reader in readers)):
        name = bytes(model.subgraphs[0].tensors[index].name or b"").decode("utf-8", "replace")
        if told := re.search(rf"{_SIGN}(\d+)_", name):
            return int(told[1])
    return None


def _swap(model: Any, op: Any, island: Island, ranges: Ranges) -> None:
    """`op` from float to float becomes one or two int8 ops, joined to what is int8 around it."""
    graph = model.subgraphs[0]
    source, output = _int8_before(model, op), _int8_after(model, op)
    real = int(op.outputs[0])
    if source is None:
        source = _add_int8(graph, int(op.inputs[0]), ranges[island.root])
        stored = _added(model, op, "QUANTIZE", after=False)
        stored.inputs, stored.outputs = op.inputs, [source]
    if output is None:
        output = _add_int8(graph, real, ranges[island.output])
    op.inputs, op.outputs = [source], [output]
    last = op
    if not island.is_elu:
        last = _look_up(model, op, island)
    if real in map(int, graph.outputs) or _readers(model, real):
        back = _added(model, last, "DEQUANTIZE", after=True)
        back.inputs, back.outputs = [output], [real]


def _int8_before(model: Any, op: Any) -> int | None:
    """The int8 tensor that `op`'s input is made of."""
    graph, real = model.subgraphs[0], int(op.inputs[0])
    maker = next((o for o in graph.operators if real in map(int, o.outputs)), None)
    dequantized = maker is not None and _kind(model, maker) == schema().BuiltinOperator.DEQUANTIZE
    return int(maker.inputs[0]) if maker is not None and dequantized else None


def _int8_after(model: Any, op: Any) -> int | None:
    """The int8 tensor that is made of `op`'s output; all that are become one."""
    kind = schema().BuiltinOperator.QUANTIZE
    after = [o for o in _readers(model, int(op.outputs[0])) if _kind(model, o) == kind]
    for other in after[1:]:
        _read_instead(model.subgraphs[0], int(other.outputs[0]), int(after[0].outputs[0]))
    for other in after:
        model.subgraphs[0].operators.remove(other)
    return int(after[0].outputs[0]) if after else None


def _look_up(model: Any, op: Any, island: Island) -> Any:
    """`op` becomes QUANTIZE to a table's places, and the GATHER after it is given."""
    graph = model.subgraphs[0]
    source, output = (graph.tensors[ends[0]] for ends in (op.inputs, op.outputs))
    index = _add_index(graph, source)
    lookup = _added(model, op, "GATHER", after=True)
    table = _add_table(model, output, _entries(island, source, output))
    lookup.inputs, lookup.outputs = [table, index], op.outputs
    lookup.builtinOptionsType = schema().BuiltinOptions.GatherOptions
    lookup.builtinOptions = schema().GatherOptionsT()
    _become(model, op, "QUANTIZE", list(op.inputs))
    op.outputs = [index]
    return lookup


def _added(model: Any, op: Any, kind: str, *, after: bool) -> Any:
    """A new op beside `op`."""
    operators = model.subgraphs[0].operators
    new = copy.copy(op)
    _become(model, new, kind, [])
    operators.insert(operators.index(op) + int(after), new)
    return new


def _add_int8(graph: Any, like: int, ends: tuple[float, float]) -> int:
    """A tensor of another's shape, with TFLite's scale for a range that holds 0."""
    low, high = ends
    tensor = copy.deepcopy(graph.tensors[like])
    tensor.type = schema().TensorType.INT8
    tensor.quantization = schema().QuantizationParametersT()
    scale = (high - low) / 255.0
    tensor.quantization.scale = [scale]
    tensor.quantization.zeroPoint = [round(-128 - low / scale)]
    tensor.name = bytes(tensor.name or b"") + b"_int8"
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _entries(island: Island, source: Any, output: Any) -> np.ndarray:
    """int8 [256]: the function of each integer of `source`, in the steps of `output`."""
    scale, zero_point = _scale(source)
    return quantize_array(island((INT8 - zero_point) * scale), *_scale(output), "int8")


def _scale(tensor: Any) -> tuple[float, int]:
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])


def _add_index(graph: Any, source: Any) -> int:
    """An int32 tensor of `source`'s scale whose zero point makes its integers 0..255."""
    index = copy.deepcopy(source)
    index.type, index.buffer = schema().TensorType.INT32, 0
    index.quantization.zeroPoint = [_scale(source)[1] + 128]
    index.name = bytes(source.name or b"") + b"_index"
    graph.tensors.append(index)
    return len(graph.tensors) - 1


def _add_table(model: Any, output: Any, entries: np.ndarray) -> int:
    graph = model.subgraphs[0]
    table = copy.deepcopy(output)
    table.shape, table.shapeSignature = [len(entries)], None
    table.name = bytes(output.name or b"") + b"_table"
    data = schema().BufferT()
    data.data = entries.view(np.uint8)
    model.buffers.append(data)
    table.buffer = len(model.buffers) - 1
    graph.tensors.append(table)
    return len(graph.tensors) - 1


def _become(model: Any, op: Any, kind: str, inputs: list[int]) -> None:
    """`op` gets another kind without options."""
    number = getattr(schema().BuiltinOperator, kind)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    if number not in codes:
        code = schema().OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
        model.operatorCodes.append(code)
        codes.append(number)
    op.opcodeIndex, op.inputs = codes.index(number), inputs
    op.builtinOptionsType, op.builtinOptions = 0, None


def _kind(model: Any, op: Any) -> int:
    code = model.operatorCodes[op.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _readers(model: Any, index: int) -> list[Any]:
    return [op for op in model.subgraphs[0].operators if index in map(int, op.inputs)]


def _read_instead(graph: Any, old: int, new: int) -> None:
    for op in graph.operators:
        op.inputs = [new if int(i) == old else int(i) for i in op.inputs]
    graph.outputs = [new if int(i) == old else int(i) for i in graph.outputs]


def _drop_unread(graph: Any) -> None:
    """Ops whose results nobody reads any more."""
    while True:
        read = {int(i) for op in graph.operators for i in op.inputs}
        read |= {int(i) for i in graph.outputs}
        kept = [op for op in graph.operators if read & {int(i) for i in op.outputs}]
        if len(kept) == len(graph.operators):
            return
        graph.operators = kept


def _drop_unused_kinds(model: Any) -> None:
    """Kinds that no op has any more: a resolver would look for their kernels."""
    operators = [op for graph in model.subgraphs for op in graph.operators]
    used = sorted({int(op.opcodeIndex) for op in operators})
    for op in operators:
        op.opcodeIndex = used.index(int(op.opcodeIndex))
    model.operatorCodes = [model.operatorCodes[index] for index in used]
