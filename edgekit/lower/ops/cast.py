# SPDX-License-Identifier: Apache-2.0
"""CAST between number types: kernel ek_cast."""

from __future__ import annotations

from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

FROM = ("int8", "int16", "int32", "float32", "bool")
TO = ("int8", "int16", "int32", "float32")


class Cast(OpKind):
    """Float to integer is refused: C leaves out-of-range values open, and processors differ."""

    kind = "CAST"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.operand(op, 0), graph.output_of(op)
        if source is None:
            return "an operand is absent"
        if source.dtype not in FROM or output.dtype not in TO:
            return f"TFLite Micro does not cast {source.dtype} to {output.dtype}"
        if source.dtype == "float32" != output.dtype:
            return "it casts float32 to an integer, where processors differ on large values"
        if not source.elements:
            return f"tensor '{source.name}' is empty"
        return "" if source.elements == output.elements else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source = graph.input_of(op)
        return KernelCall(
            kernel="cast",
            params={"count": source.elements},
            inputs=op.inputs[:1],
            outputs=op.outputs,
        )
