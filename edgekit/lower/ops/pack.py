# SPDX-License-Identifier: Apache-2.0
"""PACK of any type, tensors stacked along a new axis: kernel ek_concatenation."""

from __future__ import annotations

from edgekit.lower.moves import cannot_move, parts_params, positive_axis
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

DTYPES = ("int8", "int16", "int32", "int64", "float32")


class Pack(OpKind):
    kind = "PACK"

    def refuse(self, op: Op, graph: Graph) -> str:
        output = graph.output_of(op)
        parts = [graph.operand(op, i) for i in range(len(op.inputs))]
        if reason := cannot_move(DTYPES, output, *parts):
            return reason
        axis = positive_axis(op.options.get("axis", 0), len(output.shape))
        if axis is None:
            return "it has no such axis"
        stacked = output.shape[:axis] + output.shape[axis + 1 :]
        if output.shape[axis] != len(parts) or len(parts) != op.options.get("values_count"):
            return "its shapes disagree"
        same = all(part is not None and part.shape == stacked for part in parts)
        return "" if same else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        output = graph.output_of(op)
        parts = [graph.tensor(index) for index in op.inputs]
        axis = op.options.get("axis", 0) % len(output.shape)
        return KernelCall(
            kernel="concatenation",
            params=parts_params(output, parts, axis),
            inputs=op.inputs,
            outputs=op.outputs,
        )
