# SPDX-License-Identifier: Apache-2.0
"""What ARG_MAX and ARG_MIN share: one constant axis, an int32 output."""

from __future__ import annotations

import math

from edgekit.lower.moves import constant_ints, positive_axis
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op


def _axis(op: Op, graph: Graph) -> int | None:
    axes = constant_ints(graph, op, 1)
    if not axes or len(axes) != 1 or graph.input_of(op, 1).dtype != "int32":
        return None
    return positive_axis(axes[0], len(graph.input_of(op).shape))


class Arg(OpKind):
    """Index of an extreme of an int8 tensor along one axis."""

    kernel = ""

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.input_of(op), graph.output_of(op)
        if source.dtype != "int8":
            return f"tensor '{source.name}' is {source.dtype}, not int8"
        if output.dtype != "int32":
            return f"its output is {output.dtype}; TFLite Micro gives only int32"
        axis = _axis(op, graph)
        if axis is None:
            return "its axis is not one int32 constant within its input's"
        same = source.shape[:axis] + source.shape[axis + 1 :] == output.shape
        return "" if same else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        shape, axis = graph.input_of(op).shape, _axis(op, graph) or 0
        return KernelCall(
            kernel=self.kernel,
            params={
                "outer": math.prod(shape[:axis]),
                "side": shape[axis],
                "inner": math.prod(shape[axis + 1 :]),
            },
            inputs=op.inputs[:1],
            outputs=op.outputs,
        )
