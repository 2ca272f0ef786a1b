# SPDX-License-Identifier: Apache-2.0
"""LOGISTIC on int8: kernel ek_table."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.lower.curves import curve_entry, logistic, no_curve
from edgekit.lower.table import Table
from edgekit.tflite.graph import Graph, Op, Tensor


class Logistic(Table):
    kind = "LOGISTIC"

    def refuse(self, op: Op, graph: Graph) -> str:
        if reason := super().refuse(op, graph) or no_curve(graph.input_of(op)):
            return reason
        zero_point = graph.output_of(op).q.zero_point
        return "" if zero_point == -128 else "its output's zero point is not -128"

    def entry(self, op: Op, source: Tensor, output: Tensor) -> Callable[[int], int]:
        return curve_entry(logistic, source, bits=8, offset=-128)
