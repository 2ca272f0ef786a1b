# SPDX-License-Identifier: Apache-2.0
"""TANH on int8: kernel ek_table. TFLM takes the output to have scale 1/128, zero point 0."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.lower.curves import curve_entry, no_curve, tanh
from edgekit.lower.table import Table
from edgekit.tflite.graph import Graph, Op, Tensor


class Tanh(Table):
    kind = "TANH"

    def refuse(self, op: Op, graph: Graph) -> str:
        return super().refuse(op, graph) or no_curve(graph.input_of(op))

    def entry(self, op: Op, source: Tensor, output: Tensor) -> Callable[[int], int]:
        return curve_entry(tanh, source, bits=7, offset=0)
