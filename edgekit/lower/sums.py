# SPDX-License-Identifier: Apache-2.0
"""What ADD and SUB share: both inputs are brought to a common scale with spare bits."""

from __future__ import annotations

import numpy as np

from edgekit.lower.binary import Binary, activation_of
from edgekit.lower.fixed import activation_range, quantize_multiplier
from edgekit.lower.program import Const
from edgekit.tflite.graph import Graph, Op, Tensor

LEFT_SHIFT = 20  # spare bits of the common scale, as in TFLM's CalculateOpDataAdd and ...Sub


def _multipliers(a: Tensor, b: Tensor, output: Tensor) -> tuple[float, float, float]:
    """Real multipliers of a and b to the common scale, and of that to the output's, in double.

    Double as in the pinned wheel; TFLM's SUB of before autumn 2026 divides in float32.
    """
    twice = 2.0 * max(a.q.scale, b.q.scale)
    return a.q.scale / twice, b.q.scale / twice, twice / ((1 << LEFT_SHIFT) * output.q.scale)


class Sum(Binary):
    """ADD or SUB; TFLM aborts on scales that make the output's multiplier 1 or more."""

    def refuse(self, op: Op, graph: Graph) -> str:
        if reason := super().refuse(op, graph):
            return reason
        a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        small = _multipliers(a, b, output)[2] < 1.0
        return "" if small else "its inputs' scales are too large for its output's"

    def consts(self, op: Op, graph: Graph) -> tuple[Const, ...]:
        a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        real_a, real_b, real_out = _multipliers(a, b, output)
        quant = [-a.q.zero_point, *quantize_multiplier(real_a)]
        quant += [-b.q.zero_point, *quantize_multiplier(real_b)]
        quant += [output.q.zero_point, *quantize_multiplier(real_out)]
        quant += activation_range(activation_of(op), output)
        return (Const("quant", np.array([quant], np.int32), struct="ek_common_scale_quant"),)
