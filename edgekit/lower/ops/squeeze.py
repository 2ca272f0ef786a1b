# SPDX-License-Identifier: Apache-2.0
"""SQUEEZE: no code, the output is the input's memory."""

from __future__ import annotations

from edgekit.lower.moves import positive_axis
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op


class Squeeze(OpKind):
    kind = "SQUEEZE"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.input_of(op), graph.output_of(op)
        if source.is_constant:
            return "its input is a constant"
        if source.dtype != output.dtype or source.elements != output.elements:
            return "its shapes disagree"
        axes = [
            positive_axis(axis, len(source.shape)) for axis in op.options.get("squeeze_dims", [])
        ]
        if any(axis is None or source.shape[axis] != 1 for axis in axes):
            return "it squeezes an axis that is not 1"
        kept = tuple(
            side for at, side in enumerate(source.shape) if (at not in axes if axes else side != 1)
        )
        return "" if kept == output.shape else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        return KernelCall(inputs=op.inputs[:1], outputs=op.outputs, alias=True)
