# SPDX-License-Identifier: Apache-2.0
"""Small changes to a .tflite's objects: operands of an op's own, buffers, QUANTIZE ops."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.quantize.flatbuffer import schema


@dataclass(slots=True, eq=False)
class ModelFile:
    """`model` is a `ModelT`; `code` the number of its QUANTIZE operator code once there is one."""

    model: Any
    code: int = -1

    @property
    def subgraph(self) -> Any:
        return self.model.subgraphs[0]

    def quantize_op(self, source: int, output: int) -> Any:
        if self.code < 0:
            code = schema().OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = schema().BuiltinOperator.QUANTIZE
            code.version = 1
            self.model.operatorCodes.append(code)
            self.code = len(self.model.operatorCodes) - 1
        op = schema().OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = self.code, [source], [output]
        return op

    def own(self, raw: Any, place: int) -> int:
        """A tensor of this op's own for its operand: others may read the one that was there."""
        tensor = copy.copy(self.subgraph.tensors[int(raw.inputs[place])])
        self.subgraph.tensors.append(tensor)
        inputs = [int(index) for index in raw.inputs]
        inputs[place] = len(self.subgraph.tensors) - 1
        raw.inputs = inputs
        return inputs[place]

    def fill(self, number: int, values: np.ndarray) -> None:
        buffer = schema().BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        self.subgraph.tensors[number].buffer = len(self.model.buffers) - 1


def quantization(scales: Any, axis: int = 0) -> Any:
    found = schema().QuantizationParametersT()
    found.scale = np.asarray(scales, np.float32)
    found.zeroPoint = np.zeros(len(found.scale), np.int64)
    found.quantizedDimension = axis
    return found
