# SPDX-License-Identifier: Apache-2.0
"""SPLIT of any type, equal parts: kernel ek_split."""

from __future__ import annotations

from edgekit.lower.moves import (
    cannot_move,
    constant_ints,
    parts_disagree,
    parts_params,
    positive_axis,
)
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

DTYPES = ("int8", "int16", "int32", "float32")


class Split(OpKind):
    """Equal parts; the axis is the first operand."""

    kind = "SPLIT"
    source_at, axis_at = 1, 0

    def refuse(self, op: Op, graph: Graph) -> str:
        source = graph.operand(op, self.source_at)
        parts = [graph.tensor(index) for index in op.outputs]
        if reason := cannot_move(DTYPES, source, *parts):
            return reason
        assert source is not None
        axes = constant_ints(graph, op, self.axis_at)
        if axes is None or len(axes) != 1:
            return "its axis is not a constant"
        axis = positive_axis(axes[0], len(source.shape))
        if axis is None:
            return "it has no such axis"
        if self.kind == "SPLIT" and len({part.shape for part in parts}) > 1:
            return "its shapes disagree"
        return parts_disagree(source, parts, axis)

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source = graph.input_of(op, self.source_at)
        parts = [graph.tensor(index) for index in op.outputs]
        axes = constant_ints(graph, op, self.axis_at)
        assert axes is not None
        return KernelCall(
            kernel="split",
            params=parts_params(source, parts, axes[0] % len(source.shape)),
            inputs=(op.inputs[self.source_at],),
            outputs=op.outputs,
        )
