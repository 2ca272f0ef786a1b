# SPDX-License-Identifier: Apache-2.0
"""SHAPE: kernel ek_shape."""

from __future__ import annotations

import numpy as np

from edgekit.lower.opkind import OpKind
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.tflite.graph import Graph, Op


class Shape(OpKind):
    kind = "SHAPE"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.operand(op, 0), graph.output_of(op)
        if source is None:
            return "an operand is absent"
        if output.dtype != "int32":
            return f"its output is {output.dtype}, not int32"
        rank = len(source.shape)
        return "" if rank and output.shape == (rank,) else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        sides = np.array(graph.input_of(op).shape, np.int32)
        return KernelCall(
            kernel="shape",
            params={"rank": sides.size},
            outputs=op.outputs,
            consts=(Const("sides", sides),),
        )
