# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE, any permutation: kernel ek_strided_copy."""

from __future__ import annotations

from edgekit.lower.moves import cannot_move, constant_ints, steps_of, strided_copy
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

DTYPES = ("int8", "int16", "float32")
MAX_RANK = 5


class Transpose(OpKind):
    kind = "TRANSPOSE"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output, operand = graph.operand(op, 0), graph.output_of(op), graph.operand(op, 1)
        if reason := cannot_move(DTYPES, source, output):
            return reason
        assert source is not None
        if len(source.shape) > MAX_RANK:
            return f"its input has more than {MAX_RANK} axes"
        order = constant_ints(graph, op, 1)
        if order is None or operand is None or operand.dtype != "int32":
            return "its permutation is not constant int32"
        if sorted(order) != list(range(len(source.shape))):
            return "its permutation does not name each axis once"
        moved = tuple(source.shape[axis] for axis in order)
        return "" if moved == output.shape else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source = graph.input_of(op)
        order = constant_ints(graph, op, 1)
        assert order is not None
        steps = steps_of(source.shape)
        return strided_copy(
            source, op, 0, graph.output_of(op).shape, [steps[axis] for axis in order]
        )
