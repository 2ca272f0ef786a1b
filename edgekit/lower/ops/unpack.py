# SPDX-License-Identifier: Apache-2.0
"""UNPACK of any type, one output per index of an axis: kernel ek_split."""

from __future__ import annotations

from edgekit.lower.moves import cannot_move, parts_params, positive_axis
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

DTYPES = ("int8", "int16", "int32", "float32")


class Unpack(OpKind):
    kind = "UNPACK"

    def refuse(self, op: Op, graph: Graph) -> str:
        source = graph.operand(op, 0)
        parts = [graph.tensor(index) for index in op.outputs]
        if reason := cannot_move(DTYPES, source, *parts):
            return reason
        assert source is not None
        axis = positive_axis(op.options.get("axis", 0), len(source.shape))
        if axis is None:
            return "it has no such axis"
        piece = source.shape[:axis] + source.shape[axis + 1 :]
        if source.shape[axis] != len(parts) or len(parts) != op.options.get("num"):
            return "its shapes disagree"
        return "" if all(part.shape == piece for part in parts) else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source = graph.input_of(op)
        parts = [graph.tensor(index) for index in op.outputs]
        axis = op.options.get("axis", 0) % len(source.shape)
        return KernelCall(
            kernel="split",
            params=parts_params(source, parts, axis),
            inputs=op.inputs[:1],
            outputs=op.outputs,
        )
