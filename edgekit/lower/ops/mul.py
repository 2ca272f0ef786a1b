# SPDX-License-Identifier: Apache-2.0
"""MUL on int8, with broadcasting: kernel ek_mul."""

from __future__ import annotations

import numpy as np

from edgekit.lower.binary import Binary, activation_of
from edgekit.lower.fixed import activation_range, quantize_multiplier
from edgekit.lower.program import Const
from edgekit.tflite.graph import Graph, Op


class Mul(Binary):
    kind = "MUL"
    kernel = "mul"

    def consts(self, op: Op, graph: Graph) -> tuple[Const, ...]:
        a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        quant = [-a.q.zero_point, -b.q.zero_point, output.q.zero_point]
        quant += quantize_multiplier(a.q.scale * b.q.scale / output.q.scale)
        quant += activation_range(activation_of(op), output)
        return (Const("quant", np.array([quant], np.int32), struct="ek_mul_quant"),)
