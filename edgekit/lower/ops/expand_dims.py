# SPDX-License-Identifier: Apache-2.0
"""EXPAND_DIMS: no code, the output is the input's memory."""

from __future__ import annotations

from edgekit.lower.moves import cannot_move, constant_ints, positive_axis
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

DTYPES = ("int8", "int16", "float32")


class ExpandDims(OpKind):
    kind = "EXPAND_DIMS"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output, operand = graph.operand(op, 0), graph.output_of(op), graph.operand(op, 1)
        if reason := cannot_move(DTYPES, source, output):
            return reason
        assert source is not None
        if source.is_constant:
            return "its input is a constant"
        axes = constant_ints(graph, op, 1)
        if axes is None or operand is None or operand.dtype != "int32" or len(axes) != 1:
            return "its axis is not one constant int32"
        axis = positive_axis(axes[0], len(source.shape) + 1)
        if axis is None:
            return "it has no such axis"
        wider = (*source.shape[:axis], 1, *source.shape[axis:])
        return "" if wider == output.shape else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        return KernelCall(inputs=op.inputs[:1], outputs=op.outputs, alias=True)
