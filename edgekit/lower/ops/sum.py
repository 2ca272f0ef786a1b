# SPDX-License-Identifier: Apache-2.0
"""SUM on int8: kernel ek_sum."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgekit.lower.fixed import quantize_multiplier
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.reduce import Reduce, reduced_count
from edgekit.tflite.graph import Graph, Op


class Sum(Reduce):
    kind = "SUM"
    kernel = "sum"

    def multiplier(self, op: Op, graph: Graph) -> tuple[int, int]:
        """Multiplier and shift from a sum of centred inputs to the output."""
        return quantize_multiplier(graph.input_of(op).q.scale / graph.output_of(op).q.scale)

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, output = graph.input_of(op), graph.output_of(op)
        offset = -source.q.zero_point * reduced_count(op, graph)
        quant = [[offset, *self.multiplier(op, graph), output.q.zero_point]]
        const = Const("quant", np.array(quant, np.int32), struct="ek_sum_quant")
        return dataclasses.replace(super().lower(op, graph, target), consts=(const,))
