# SPDX-License-Identifier: Apache-2.0
"""Tensors named after the user's layers instead of after TensorFlow's traces.

The converter joins the names of all fused ops ("model_1/conv2d_1_2/Relu;model_1/...;..."), where
TensorFlow has appended a number to each layer's scope. The file keeps one name per tensor:
"<model>/<layer>/<op>", which is what the ops are called in every message, and is shorter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_COMPUTE = re.compile(r"/(Conv2D|convolution\d*|depthwise|MatMul|BiasAdd|separable_conv2d)\d*$")
_ACTIVATIONS = ("Relu", "Relu6", "Minimum", "Maximum", "Identity")


@dataclass(frozen=True, slots=True)
class LayerNames:
    """The Keras model's name, the names of all its layers, and of those that make its outputs."""

    model: str
    layers: frozenset[str]
    outputs: tuple[str, ...]

    def layer_path(self, tensor_name: str) -> str:
        """ "outer/layer" for a tensor's name as the converter wrote it; "" where it tells none."""
        part = _telling_part(tensor_name)
        pieces = [self._layer(piece) for piece in part.split("/")[:-1]]
        if self.model and pieces and pieces[0] == self.model:
            pieces = pieces[1:]
        known = [piece for piece in pieces if not self.layers or piece in self.layers]
        return "/".join(known)

    def _layer(self, scope: str) -> str:
        """The layer behind a scope: Keras enters each twice, so TensorFlow adds one number."""
        candidate = re.sub(r"_\d+$", "", scope)
        if candidate in self.layers or candidate == self.model:
            return candidate
        return scope


def _telling_part(name: str) -> str:
    """Of the fused names that which holds the weights, else the last that is no activation."""
    parts = [part for part in name.split(";") if "/" in part]
    compute = [part for part in parts if _COMPUTE.search(part)]
    plain = [
        part for part in parts if part.rsplit("/", 1)[1].rstrip("0123456789") not in _ACTIVATIONS
    ]
    return (compute or plain[-1:] or parts or [""])[0]


def rename_tensors(data: bytes, names: LayerNames) -> bytes:
    """The same .tflite with tensors named "<model>/<layer>/<op or constant>"."""
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(data)
    kinds = {
        value: key for key, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)
    }
    subgraph = model.subgraphs[0]
    paths = _op_paths(subgraph, names)
    for op, path in zip(subgraph.operators, paths, strict=True):
        code = model.operatorCodes[op.opcodeIndex]
        kind = kinds.get(max(code.builtinCode, code.deprecatedBuiltinCode), "CUSTOM")
        _name_op(subgraph, op, model.buffers, names.model or "model", path, kind)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _op_paths(subgraph: Any, names: LayerNames) -> list[str]:
    """Layer of each op; an op whose name tells none belongs to the layer of the next that does."""
    told = [_told_path(subgraph, op, names) for op in subgraph.operators]
    for index in reversed(range(len(told) - 1)):
        told[index] = told[index] or told[index + 1]
    for index in range(1, len(told)):
        told[index] = told[index] or told[index - 1]
    return [path or "graph" for path in told]


def _told_path(subgraph: Any, op: Any, names: LayerNames) -> str:
    output = int(op.outputs[0])
    told = names.layer_path(_text(subgraph.tensors[output].name))
    outputs = [int(index) for index in subgraph.outputs]
    if not told and output in outputs and outputs.index(output) < len(names.outputs):
        told = names.outputs[outputs.index(output)]
    return told


def _name_op(subgraph: Any, op: Any, buffers: Any, model: str, path: str, kind: str) -> None:
    inputs = [int(index) for index in op.inputs if index >= 0]
    for position, index in enumerate(inputs):
        tensor = subgraph.tensors[index]
        constant = buffers[tensor.buffer].data is not None and len(buffers[tensor.buffer].data)
        if constant:
            tensor.name = f"{model}/{path}/{_constant(kind, position)}".encode()
    graph_inputs = {int(index) for index in subgraph.inputs}
    for index in op.outputs:
        if int(index) not in graph_inputs:
            subgraph.tensors[int(index)].name = f"{model}/{path}/{kind}".encode()


def _constant(kind: str, position: int) -> str:
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        return ("input", "kernel", "bias")[position] if position < 3 else "constant"
    return "constant"


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "")
