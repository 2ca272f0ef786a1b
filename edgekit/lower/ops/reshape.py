# SPDX-License-Identifier: Apache-2.0
"""RESHAPE: no code, the output is the input's memory."""

from __future__ import annotations

from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op


class Reshape(OpKind):
    kind = "RESHAPE"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.input_of(op), graph.output_of(op)
        if source.is_constant:
            return "its input is a constant"
        return "" if source.bytes == output.bytes else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        return KernelCall(inputs=op.inputs[:1], outputs=op.outputs, alias=True)
