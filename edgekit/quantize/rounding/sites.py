# SPDX-License-Identifier: Apache-2.0
"""Where the weights of a .tflite are: ops with constant kernels, and their axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgekit.quantize.formats.kinds import WEIGHTS
from edgekit.tflite.graph import Graph, Op, Tensor

# TFLite's layouts: output channels first, but for depthwise kernels [1, height, width, channels].
_CHANNELS = {"DEPTHWISE_CONV_2D": 3}


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One op with a constant kernel; `data`, `kernel` and `bias` are tensor numbers (-1: none)."""

    op: Op
    data: int
    kernel: int
    bias: int
    axis: int

    @property
    def layer(self) -> str:
        return self.op.layer


def find_sites(graph: Graph) -> list[Site]:
    """All of them in the order of computation."""
    return list(_sites(graph))


def _sites(graph: Graph) -> Iterator[Site]:
    for op in graph.ops:
        if op.kind not in WEIGHTS:
            continue
        place, bias_place = WEIGHTS[op.kind]
        kernel, bias = graph.operand(op, place), graph.operand(op, bias_place)
        if kernel is None or not _is_float_constant(kernel):
            continue
        data = op.inputs[2 if op.kind == "TRANSPOSE_CONV" else 0]
        known = bias is not None and _is_float_constant(bias)
        number = bias.index if bias is not None and known else -1
        yield Site(op, data, kernel.index, number, _CHANNELS.get(op.kind, 0))


def _is_float_constant(tensor: Tensor) -> bool:
    return tensor.data is not None and tensor.dtype == "float32"
