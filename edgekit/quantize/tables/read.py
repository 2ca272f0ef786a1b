# SPDX-License-Identifier: Apache-2.0
"""A float file as a Graph, as far as functions of one value need it."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.quantize.flatbuffer import schema, unpack
from edgekit.quantize.tables.functions import FUSED
from edgekit.tflite.graph import Graph, Op, Tensor

_NUMPY = {
    "float32": np.float32,
    "int32": np.int32,
    "int64": np.int64,
    "int8": np.int8,
    "bool": np.bool_,
}


def float_graph(float_file: bytes) -> Graph:
    """Tensors with shapes, types and constants; ops with kind, fused activation and alpha."""
    model = unpack(float_file)
    subgraph = model.subgraphs[0]
    types = _names(schema().TensorType)
    kinds = _names(schema().BuiltinOperator)
    codes = [
        kinds.get(max(code.builtinCode, code.deprecatedBuiltinCode), "CUSTOM")
        for code in model.operatorCodes
    ]
    tensors = [
        _tensor(index, tensor, types[tensor.type].lower(), model.buffers[tensor.buffer].data)
        for index, tensor in enumerate(subgraph.tensors)
    ]
    ops = [_op(index, op, codes[op.opcodeIndex]) for index, op in enumerate(subgraph.operators)]
    inputs, outputs = (tuple(int(i) for i in e) for e in (subgraph.inputs, subgraph.outputs))
    return Graph("model", tuple(tensors), tuple(ops), inputs, outputs)


def _names(enum: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


def _tensor(index: int, tensor: Any, dtype: str, data: Any) -> Tensor:
    shape = tuple(int(side) for side in tensor.shape) if tensor.shape is not None else ()
    values = None
    if data is not None and len(data):
        raw = np.asarray(data, np.uint8)
        values = raw.view(_NUMPY[dtype]).reshape(shape) if dtype in _NUMPY else raw
    name = bytes(tensor.name or b"").decode("utf-8", "replace")
    return Tensor(index, name, shape, dtype, data=values)


def _op(index: int, op: Any, kind: str) -> Op:
    options = {
        FUSED: getattr(op.builtinOptions, "fusedActivationFunction", 0),
        "alpha": getattr(op.builtinOptions, "alpha", 0.0),
    }
    inputs = tuple(int(i) for i in op.inputs) if op.inputs is not None else ()
    outputs = tuple(int(i) for i in op.outputs) if op.outputs is not None else ()
    return Op(index, kind, inputs, outputs, options)
