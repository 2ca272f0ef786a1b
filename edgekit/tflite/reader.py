# SPDX-License-Identifier: Apache-2.0
"""A .tflite file (flatbuffer, TFLite schema version 3) to a Graph. No TensorFlow."""

from __future__ import annotations

import importlib
import math
import re
import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.artifacts import sha256_bytes
from edgekit.errors import EdgekitError
from edgekit.tflite.decode import fold_decodes
from edgekit.tflite.graph import Encoded, Graph, Op, Quant, Tensor
from edgekit.tflite.layers import layer_of

IDENTIFIER = b"TFL3"
MAX_RANK = 8
OFFLINE_PLAN = b"OfflineMemoryAllocation"

# What a flatbuffer whose offsets lead nowhere makes Python raise.
_DAMAGE = (
    struct.error,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)

_NUMPY = {
    "int8": np.int8,
    "uint8": np.uint8,
    "bool": np.bool_,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "float32": np.float32,
    "float16": np.float16,
    "float64": np.float64,
}


def read_graph(source: Path | str | bytes, *, name: str = "", decode: bool = True) -> Graph:
    """Graph of a .tflite file or of its bytes; EdgekitError for anything that is not one.

    With `decode`, weights that the file stores for DECODE ops are plain constants and those ops
    lie in `decodes`; without, the graph is what TFLite Micro executes, op for op.
    """
    if isinstance(source, bytes):
        data, where = source, name or "model"
    else:
        path = Path(source)
        where = str(path)
        name = name or path.stem
        try:
            data = path.read_bytes()
        except OSError as error:
            raise EdgekitError(
                f"cannot read '{path}': {error.strerror}", hint="check the path and its permissions"
            ) from error
    if len(data) < 16 or data[4:8] != IDENTIFIER:
        raise EdgekitError(
            f"'{where}' is not a .tflite file", hint="edgekit convert makes one from a Keras model"
        )
    try:
        graph = _parse(data, name or "model")
        return fold_decodes(graph) if decode else graph
    except _DAMAGE as error:
        raise EdgekitError(
            f"'{where}' is damaged or truncated",
            hint="convert the model again; the file does not hold what its header promises",
        ) from error


def _parse(data: bytes, name: str) -> Graph:
    import tflite

    model = tflite.Model.GetRootAs(data)
    if model.SubgraphsLength() != 1:
        raise EdgekitError(
            f"'{name}' has {model.SubgraphsLength()} subgraphs (control flow), edgekit reads one",
            hint="convert a model without loops and conditions",
        )
    subgraph = model.Subgraphs(0)
    tensors = tuple(
        _tensor(model, subgraph.Tensors(i), i, len(data)) for i in range(subgraph.TensorsLength())
    )
    names = _names(tflite.BuiltinOperator)
    ops = tuple(
        _op(model, subgraph.Operators(i), i, names, tensors)
        for i in range(subgraph.OperatorsLength())
    )
    if not ops or subgraph.InputsLength() == 0 or subgraph.OutputsLength() == 0:
        raise ValueError("no ops, inputs or outputs")
    ends = [*subgraph.InputsAsNumpy(), *subgraph.OutputsAsNumpy()]
    if not all(0 <= index < len(tensors) for index in ends):
        raise ValueError("tensor index out of range")
    return Graph(
        name=name,
        tensors=tensors,
        ops=ops,
        inputs=tuple(int(i) for i in subgraph.InputsAsNumpy()),
        outputs=tuple(int(i) for i in subgraph.OutputsAsNumpy()),
        file_bytes=len(data),
        sha256=sha256_bytes(data),
        offline=_offline_plan(model),
    )


def _offline_plan(model: Any) -> tuple[int, ...]:
    """Metadata "OfflineMemoryAllocation": version, subgraph, count, then that many offsets."""
    for position in range(model.MetadataLength()):
        entry = model.Metadata(position)
        buffer = model.Buffers(entry.Buffer())
        if entry.Name() == OFFLINE_PLAN and buffer.DataLength() >= 12:
            raw = buffer.DataAsNumpy().tobytes()
            words = struct.unpack(f"<{len(raw) // 4}i", raw[: len(raw) // 4 * 4])
            return words[3 : 3 + words[2]]
    return ()


@cache
def _names(enum: type) -> dict[int, str]:
    return {value: key for key, value in vars(enum).items() if isinstance(value, int)}


def _tensor(model: Any, raw: Any, index: int, file_bytes: int) -> Tensor:
    import tflite

    dtype = _names(tflite.TensorType)[raw.Type()].lower()
    shape = tuple(int(side) for side in raw.ShapeAsNumpy()) if raw.ShapeLength() else ()
    signature = raw.ShapeSignatureAsNumpy() if raw.ShapeSignatureLength() else ()
    if len(shape) > MAX_RANK or any(side < 0 for side in shape):
        raise ValueError("impossible shape")
    data = None
    buffer = model.Buffers(raw.Buffer())
    if buffer is not None and buffer.DataLength():
        if buffer.DataLength() > file_bytes:
            raise ValueError("constant longer than the file")
        data = _constant(buffer.DataAsNumpy(), dtype, shape)
    encoded = None
    if dtype == "int4" and data is not None:
        # kernels unpack 4-bit weights to int8 and go on as with those
        encoded = Encoded("int4", 4, buffer.DataLength())
        dtype = "int8"
    return Tensor(
        index=index,
        name=(raw.Name() or b"").decode("utf-8", "replace"),
        shape=shape,
        dtype=dtype,
        quant=_quant(raw.Quantization()),
        data=data,
        dynamic=any(side < 0 for side in signature[1:]),
        encoded=encoded,
        variable=bool(raw.IsVariable()),
    )


def _constant(raw: np.ndarray, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if dtype == "int4":
        return _unpacked(raw, shape)
    if dtype not in _NUMPY:
        return raw
    return np.frombuffer(raw.tobytes(), dtype=_NUMPY[dtype]).reshape(shape)


def _unpacked(raw: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """int8 of 4-bit values, two to a byte, the first in the low half."""
    halves = np.stack([raw & 0x0F, raw >> 4], axis=-1).ravel()[: math.prod(shape)]
    values = halves.astype(np.int8)
    return np.where(values > 7, values - 16, values).astype(np.int8).reshape(shape)


def _quant(raw: Any) -> Quant | None:
    if raw is None or raw.ScaleLength() == 0:
        return None
    zero_points = raw.ZeroPointAsNumpy() if raw.ZeroPointLength() else np.zeros(1, np.int64)
    return Quant(
        scales=tuple(float(scale) for scale in raw.ScaleAsNumpy()),
        zero_points=tuple(int(zero_point) for zero_point in zero_points),
        axis=raw.QuantizedDimension(),
    )


def _op(model: Any, raw: Any, index: int, names: dict[int, str], tensors: Any) -> Op:
    code = model.OperatorCodes(raw.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    kind = names.get(number, f"BUILTIN_{number}")
    if kind == "CUSTOM":
        kind = f"CUSTOM:{(code.CustomCode() or b'?').decode('utf-8', 'replace')}"
    inputs = tuple(int(i) for i in raw.InputsAsNumpy()) if raw.InputsLength() else ()
    outputs = tuple(int(i) for i in raw.OutputsAsNumpy()) if raw.OutputsLength() else ()
    if any(not -1 <= i < len(tensors) for i in inputs + outputs):
        raise ValueError("tensor index out of range")
    return Op(
        index=index,
        kind=kind,
        inputs=inputs,
        outputs=outputs,
        options=_options(raw),
        layer=_layer(tensors, inputs, outputs) or f"op {index}",
        version=code.Version(),
    )


def _layer(tensors: Sequence[Tensor], inputs: tuple[int, ...], outputs: tuple[int, ...]) -> str:
    if not outputs:
        return ""
    constants = [tensors[i].name for i in inputs if i >= 0 and tensors[i].is_constant]
    return layer_of(tensors[outputs[0]].name, constants)


def _options(raw: Any) -> dict[str, Any]:
    """Builtin options by their schema names in snake_case; {} where the op has none."""
    import tflite

    union = _names(tflite.BuiltinOptions)[raw.BuiltinOptionsType()]
    table = raw.BuiltinOptions()
    if union == "NONE" or table is None:
        return {}
    cls = getattr(importlib.import_module(f"tflite.{union}"), union)
    options = cls()
    options.Init(table.Bytes, table.Pos)
    found: dict[str, Any] = {}
    for method in vars(cls):
        if not method[0].isupper() or method.startswith(("GetRootAs", "Init")):
            continue
        if method.endswith(("BufferHasIdentifier", "IsNone", "Length")):
            continue
        if f"{method}Length" in vars(cls):
            length = getattr(options, f"{method}Length")()
            found[_snake(method)] = [getattr(options, method)(i) for i in range(length)]
        elif not method.endswith("AsNumpy"):
            found[_snake(method)] = getattr(options, method)()
    return found


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
