# SPDX-License-Identifier: Apache-2.0
"""SLICE of any type: kernel ek_strided_copy."""

from __future__ import annotations

from edgekit.lower.moves import cannot_move, constant_ints, steps_of, strided_copy
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

DTYPES = ("int8", "int16", "int32", "float32", "bool")
MAX_RANK = 5


class Slice(OpKind):
    kind = "SLICE"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.operand(op, 0), graph.output_of(op)
        if reason := cannot_move(DTYPES, source, output):
            return reason
        assert source is not None
        begins, sizes = constant_ints(graph, op, 1), constant_ints(graph, op, 2)
        rank = len(source.shape)
        if begins is None or sizes is None:
            return "its begin or size is not a constant"
        if rank > MAX_RANK:
            return f"its input has more than {MAX_RANK} axes"
        if not len(begins) == len(sizes) == len(output.shape) == rank:
            return "its shapes disagree"
        rows = zip(begins, sizes, source.shape, output.shape, strict=True)
        for begin, size, side, out_side in rows:
            taken = side - begin if size == -1 else size
            if begin < 0 or taken != out_side or begin + taken > side:
                return "its begin and size do not fit its shapes"
        return ""

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source = graph.input_of(op)
        begins = constant_ints(graph, op, 1)
        assert begins is not None
        steps = steps_of(source.shape)
        start = sum(begin * step for begin, step in zip(begins, steps, strict=True))
        return strided_copy(source, op, start, graph.output_of(op).shape, steps)
