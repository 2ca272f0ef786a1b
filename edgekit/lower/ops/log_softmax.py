# SPDX-License-Identifier: Apache-2.0
"""LOG_SOFTMAX on int8: kernel ek_log_softmax."""

from __future__ import annotations

import math

from edgekit.lower.fixed import quantize_multiplier
from edgekit.lower.opkind import OpKind, not_int8
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

INPUT_INTEGER_BITS = 5  # of differences: Q5.26
DEEPEST = 4095  # exponentials of at most 1 whose sum fits Q12.19


def _scaling(scale: float) -> tuple[int, int, int, int]:
    """Multiplier and shift of differences to Q5.26, and back (PreprocessLogSoftmaxScalingExp)."""
    real = scale * (1 << (31 - INPUT_INTEGER_BITS))
    multiplier, left_shift = quantize_multiplier(min(real, (1 << 31) - 1.0))
    return multiplier, left_shift, *quantize_multiplier(2.0 ** (31 - left_shift) / multiplier)


class LogSoftmax(OpKind):
    kind = "LOG_SOFTMAX"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.input_of(op), graph.output_of(op)
        if reason := not_int8(source, output):
            return reason
        if output.q.scale != 1 / 16 or output.q.zero_point != 127:
            return "its output does not have scale 1/16 and zero point 127"
        if not source.shape or source.shape[-1] > DEEPEST:
            return f"a row has more than {DEEPEST} values"
        _, left_shift, _, back = _scaling(source.q.scale)
        return "" if left_shift > 0 >= back else "its input's scale is out of range"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source = graph.input_of(op)
        depth = source.shape[-1]
        multiplier, left_shift, back_multiplier, back_shift = _scaling(source.q.scale)
        radius = ((1 << INPUT_INTEGER_BITS) - 1) * (1 << (31 - INPUT_INTEGER_BITS))
        return KernelCall(
            kernel="log_softmax",
            params={
                "rows": source.elements // depth,
                "depth": depth,
                "multiplier": multiplier,
                "left_shift": left_shift,
                "diff_min": -math.floor(radius / (1 << left_shift)),
                "back_multiplier": back_multiplier,
                "back_shift": back_shift,
            },
            inputs=op.inputs[:1],
            outputs=op.outputs,
            in_place=(0,),
        )
