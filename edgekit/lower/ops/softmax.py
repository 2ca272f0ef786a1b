# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX on int8: kernel ek_softmax."""

from __future__ import annotations

import math

from edgekit.lower.fixed import quantize_multiplier
from edgekit.lower.opkind import OpKind, not_int8
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

INPUT_INTEGER_BITS = 5  # exp() takes Q5.26: exp(-32) is nothing, exp(-8) still counts


class Softmax(OpKind):
    kind = "SOFTMAX"

    def refuse(self, op: Op, graph: Graph) -> str:
        output = graph.output_of(op)
        if reason := not_int8(graph.input_of(op), output):
            return reason
        exact = output.q.scale == 1 / 256 and output.q.zero_point == -128
        return "" if exact else "its output does not have scale 1/256 and zero point -128"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source = graph.input_of(op)
        depth = source.shape[-1]
        real = op.options["beta"] * source.q.scale * (1 << (31 - INPUT_INTEGER_BITS))
        multiplier, left_shift = quantize_multiplier(min(real, (1 << 31) - 1.0))
        radius = ((1 << INPUT_INTEGER_BITS) - 1) * (1 << (31 - INPUT_INTEGER_BITS))
        return KernelCall(
            kernel="softmax",
            params={
                "rows": source.elements // depth,
                "depth": depth,
                "multiplier": multiplier,
                "left_shift": left_shift,
                "diff_min": -math.floor(radius / (1 << left_shift)),
            },
            inputs=op.inputs[:1],
            outputs=op.outputs,
            in_place=(0,),
        )
