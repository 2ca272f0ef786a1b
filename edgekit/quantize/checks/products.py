# SPDX-License-Identifier: Apache-2.0
"""The ops that multiply by constant weights, and where their operands are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgekit.tflite.graph import Graph, Op, Tensor

# data, weights and bias among the inputs, and the weights' axis of output channels
_OPERANDS = {
    "CONV_2D": (0, 1, 2, 0),
    "DEPTHWISE_CONV_2D": (0, 1, 2, 3),
    "FULLY_CONNECTED": (0, 1, 2, 0),
    "TRANSPOSE_CONV": (2, 1, 3, 0),
}


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """One op with weights; `axis` is the weights' axis of output channels."""

    op: Op
    data: Tensor
    weights: Tensor
    bias: Tensor | None
    output: Tensor
    axis: int


def products(graph: Graph) -> Iterator[Product]:
    """The convolutions and dense layers of `graph` that are quantized."""
    for op in graph.ops:
        if op.kind not in _OPERANDS:
            continue
        at, weights_at, bias_at, axis = _OPERANDS[op.kind]
        data, weights = graph.operand(op, at), graph.operand(op, weights_at)
        if data is None or weights is None or data.quant is None or weights.quant is None:
            continue
        bias = graph.operand(op, bias_at)
        yield Product(op, data, weights, bias, graph.output_of(op), axis)
