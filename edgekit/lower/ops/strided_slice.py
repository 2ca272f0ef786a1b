# SPDX-License-Identifier: Apache-2.0
"""STRIDED_SLICE of any type: kernel ek_strided_copy."""

from __future__ import annotations

import math

from edgekit.lower.moves import cannot_move, constant_ints, steps_of, strided_copy
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

DTYPES = ("int8", "int16", "int32", "float32", "bool")
MAX_RANK = 4


def _range(begin: int | None, end: int | None, stride: int, side: int) -> tuple[int, int]:
    """First index along an axis and how many are taken; None stands for a masked end."""
    low, high = (0, side) if stride > 0 else (-1, side - 1)
    first, last = (low, high) if stride > 0 else (high, low)
    if begin is not None:
        first = min(max(begin + side if begin < 0 else begin, low), high)
    if end is not None:
        last = min(max(end + side if end < 0 else end, low), high)
    return first, max(math.ceil((last - first) / stride), 0)


def _view(op: Op, graph: Graph) -> list[tuple[int, int, int, bool]] | None:
    """First index, count, stride and "is dropped" per axis; None where it cannot be known."""
    source = graph.input_of(op)
    values = [constant_ints(graph, op, position) for position in (1, 2, 3)]
    if any(value is None or len(value) != len(source.shape) for value in values):
        return None
    begins, ends, strides = (value or [] for value in values)
    axes = []
    for i, side in enumerate(source.shape):
        begin = None if op.options.get("begin_mask", 0) >> i & 1 else begins[i]
        end = None if op.options.get("end_mask", 0) >> i & 1 else ends[i]
        shrink = bool(op.options.get("shrink_axis_mask", 0) >> i & 1)
        if not strides[i] or (shrink and strides[i] < 0):
            return None
        first, count = _range(begin, end, strides[i], side)
        axes.append((first, min(1, side - first) if shrink else count, strides[i], shrink))
    return axes


class StridedSlice(OpKind):
    kind = "STRIDED_SLICE"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.operand(op, 0), graph.output_of(op)
        if reason := cannot_move(DTYPES, source, output):
            return reason
        assert source is not None
        if len(source.shape) > MAX_RANK:
            return f"its input has more than {MAX_RANK} axes"
        for option in ("ellipsis_mask", "new_axis_mask", "offset"):
            if op.options.get(option):
                return f"it has {option}, which TFLite Micro ignores"
        axes = _view(op, graph)
        if axes is None:
            return "its begin, end and strides are not constants that fit its input"
        shape = tuple(count for _, count, _, shrink in axes if not shrink)
        if any(shrink and count != 1 for _, count, _, shrink in axes):
            return "it takes an index outside its input"
        return "" if shape == output.shape else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source = graph.input_of(op)
        axes = _view(op, graph)
        assert axes is not None
        steps = steps_of(source.shape)
        start = sum(axis[0] * step for axis, step in zip(axes, steps, strict=True))
        strides = [axis[2] * step for axis, step in zip(axes, steps, strict=True)]
        return strided_copy(source, op, start, [axis[1] for axis in axes], strides)
