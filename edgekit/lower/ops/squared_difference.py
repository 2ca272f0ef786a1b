# SPDX-License-Identifier: Apache-2.0
"""SQUARED_DIFFERENCE on int8, with broadcasting: kernel ek_squared_difference."""

from __future__ import annotations

import numpy as np

from edgekit.lower.binary import Binary
from edgekit.lower.fixed import quantize_multiplier
from edgekit.lower.program import Const
from edgekit.tflite.graph import Graph, Op

LEFT_SHIFT = 7  # spare bits of the common scale: 255 * 2^7 squared still fits into an int32


class SquaredDifference(Binary):
    kind = "SQUARED_DIFFERENCE"
    kernel = "squared_difference"

    def consts(self, op: Op, graph: Graph) -> tuple[Const, ...]:
        a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        twice = 2.0 * max(a.q.scale, b.q.scale)
        quant = [-a.q.zero_point, *quantize_multiplier(a.q.scale / twice)]
        quant += [-b.q.zero_point, *quantize_multiplier(b.q.scale / twice)]
        real = twice * twice / ((1 << 2 * LEFT_SHIFT) * output.q.scale)
        quant += [output.q.zero_point, *quantize_multiplier(real), -128, 127]
        return (Const("quant", np.array([quant], np.int32), struct="ek_common_scale_quant"),)
