# SPDX-License-Identifier: Apache-2.0
"""L2_NORMALIZATION of int8 over the last axis: kernel ek_l2_normalization."""

from __future__ import annotations

from edgekit.lower.opkind import OpKind, not_int8
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op


class L2Normalization(OpKind):
    """The output's scale is 1/128 whatever the file says: the kernel looks at none."""

    kind = "L2_NORMALIZATION"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.input_of(op), graph.output_of(op)
        if reason := not_int8(source, output):
            return reason
        if len(source.shape) > 4:
            return "its input has more than 4 axes"
        if op.options.get("fused_activation_function"):
            return "it has a fused activation"
        exact = output.q.scale == 1 / 128 and output.q.zero_point == 0
        return "" if exact else "its output does not have scale 1/128 and zero point 0"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source = graph.input_of(op)
        depth = source.shape[-1]
        return KernelCall(
            kernel="l2_normalization",
            params={
                "rows": source.elements // depth,
                "depth": depth,
                "in_offset": -source.q.zero_point,
            },
            inputs=op.inputs[:1],
            outputs=op.outputs,
            in_place=(0,),
        )
