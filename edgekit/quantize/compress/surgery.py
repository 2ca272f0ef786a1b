# SPDX-License-Identifier: Apache-2.0
"""DECODE ops put into a .tflite: before each op that reads encoded weights, one that gives them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgekit.quantize.compress.encoding import Encoding
from edgekit.quantize.flatbuffer import schema

CUSTOM_CODE = b"TFLM_DECODE"


def insert_decodes(model: Any, encodings: Mapping[int, Encoding]) -> None:
    """Changes `model` (a `ModelT`): tensor `index` is stored as `encodings[index]`.

    Every consumer gets a DECODE op of its own just before it, which decodes all that it reads:
    what DECODE gives is only promised to the very next op (a device may give it memory of its
    own for that). The encoded bytes are in the file once.
    """
    subgraph = model.subgraphs[0]
    if not encodings:
        return
    code = _operator_code(model)
    plain = {index: copy.copy(subgraph.tensors[index]) for index in encodings}
    sources = {index: _encode(model, index, form) for index, form in encodings.items()}
    ops = []
    for op in subgraph.operators:
        wanted = [i for i in dict.fromkeys(int(index) for index in op.inputs) if i in encodings]
        if wanted:
            decoded = {index: _decoded(subgraph, plain[index]) for index in wanted}
            ops.append(_decode_op(code, [sources[index] for index in wanted], decoded.values()))
            op.inputs = [decoded.get(int(index), int(index)) for index in op.inputs]
        ops.append(op)
    subgraph.operators = ops


def _operator_code(model: Any) -> int:
    code = schema().OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema().BuiltinOperator.CUSTOM
    code.customCode, code.version = CUSTOM_CODE, 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _encode(model: Any, index: int, form: Encoding) -> tuple[int, int]:
    """Tensor `index` now holds the stored bits; its number and that of its ancillary tensor."""
    tensors = model.subgraphs[0].tensors
    tensors[index] = _bytes_tensor(model, form.stored)
    tensors.append(_bytes_tensor(model, form.ancillary))
    return index, len(tensors) - 1


def _bytes_tensor(model: Any, data: bytes) -> Any:
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    model.buffers.append(buffer)
    tensor = schema().TensorT()
    tensor.shape = [len(data)]
    tensor.type = schema().TensorType.UINT8
    tensor.buffer = len(model.buffers) - 1
    return tensor


def _decoded(subgraph: Any, plain: Any) -> int:
    """A new tensor like the `plain` constant, without its data."""
    tensor = copy.copy(plain)
    tensor.buffer = 0
    if tensor.quantization is not None and len(tensor.quantization.scale) == 1:
        # The kernel refuses an axis other than the first even where there is one scale only.
        tensor.quantization = copy.copy(tensor.quantization)
        tensor.quantization.quantizedDimension = 0
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1


def _decode_op(code: int, sources: list[tuple[int, int]], outputs: Any) -> Any:
    op = schema().OperatorT()
    op.opcodeIndex = code
    op.inputs = [index for pair in sources for index in pair]
    op.outputs = list(outputs)
    return op
