# SPDX-License-Identifier: Apache-2.0
"""BROADCAST_TO of any type: kernel ek_strided_copy with steps of 0."""

from __future__ import annotations

from edgekit.lower.moves import cannot_move, constant_ints, steps_of, strided_copy
from edgekit.lower.opkind import OpKind, sides
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

DTYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")
MAX_RANK = 5


class BroadcastTo(OpKind):
    kind = "BROADCAST_TO"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.operand(op, 0), graph.output_of(op)
        if reason := cannot_move(DTYPES, source, output):
            return reason
        assert source is not None
        shape = constant_ints(graph, op, 1)
        if shape is None:
            return "its shape operand is not a constant"
        rank = len(output.shape)
        if rank > MAX_RANK:
            return f"its output has more than {MAX_RANK} axes"
        if tuple(shape) != output.shape or len(source.shape) > rank:
            return "its shapes disagree"
        pairs = zip(sides(source, rank), output.shape, strict=True)
        return "" if all(a in (1, b) for a, b in pairs) else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, shape = graph.input_of(op), graph.output_of(op).shape
        wide = sides(source, len(shape))
        steps = [0 if side == 1 else step for side, step in zip(wide, steps_of(wide), strict=True)]
        return strided_copy(source, op, 0, shape, steps)
