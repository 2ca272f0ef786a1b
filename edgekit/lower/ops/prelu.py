# SPDX-License-Identifier: Apache-2.0
"""PRELU on int8, its slopes broadcast over the input: kernel ek_prelu."""

from __future__ import annotations

import numpy as np

from edgekit.lower.binary import Binary
from edgekit.lower.fixed import quantize_multiplier
from edgekit.lower.program import Const
from edgekit.tflite.graph import Graph, Op


class Prelu(Binary):
    kind = "PRELU"
    kernel = "prelu"

    def consts(self, op: Op, graph: Graph) -> tuple[Const, ...]:
        source, slope, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        quant = [-source.q.zero_point, -slope.q.zero_point, output.q.zero_point]
        quant += quantize_multiplier(source.q.scale / output.q.scale)
        quant += quantize_multiplier(source.q.scale * slope.q.scale / output.q.scale)
        return (Const("quant", np.array([quant], np.int32), struct="ek_prelu_quant"),)
