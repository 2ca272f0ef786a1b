# SPDX-License-Identifier: Apache-2.0
"""ZEROS_LIKE: kernel ek_zeros_like."""

from __future__ import annotations

from edgekit.lower.moves import cannot_move
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

DTYPES = ("int8", "int32", "int64", "float32")


class ZerosLike(OpKind):
    """Zero bytes, as in TFLM: on int8 that is 0.0 only where the zero point is 0."""

    kind = "ZEROS_LIKE"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.operand(op, 0), graph.output_of(op)
        if reason := cannot_move(DTYPES, output, source):
            return reason
        assert source is not None
        return "" if source.elements == output.elements else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        output = graph.output_of(op)
        return KernelCall(kernel="zeros_like", params={"bytes": output.bytes}, outputs=op.outputs)
