# SPDX-License-Identifier: Apache-2.0
"""FILL, one value everywhere: kernel ek_strided_copy with a step of 0."""

from __future__ import annotations

from edgekit.lower.moves import cannot_move, constant_ints, strided_copy
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

DTYPES = ("int8", "int32", "float32")


class Fill(OpKind):
    kind = "FILL"

    def refuse(self, op: Op, graph: Graph) -> str:
        value, output = graph.operand(op, 1), graph.output_of(op)
        if reason := cannot_move(DTYPES, output, value):
            return reason
        assert value is not None
        if value.shape:
            return "its value is not a scalar"
        sides = constant_ints(graph, op, 0)
        if sides is None:
            return "its shape operand is not a constant"
        return "" if tuple(sides) == output.shape else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        value, output = graph.input_of(op, 1), graph.output_of(op)
        return strided_copy(value, op, 0, [output.elements], [0], position=1)
