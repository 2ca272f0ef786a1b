# SPDX-License-Identifier: Apache-2.0
"""PADV2 on int8 with a constant of the output's scale: kernel ek_pad."""

from __future__ import annotations

from edgekit.lower.opkind import not_int8
from edgekit.lower.ops.pad import Pad
from edgekit.tflite.graph import Graph, Op


class PadV2(Pad):
    kind = "PADV2"

    def refuse(self, op: Op, graph: Graph) -> str:
        if reason := super().refuse(op, graph):
            return reason
        value, output = graph.operand(op, 2), graph.output_of(op)
        if value is None or value.data is None or value.elements != 1:
            return "its padding value is not a constant scalar"
        if reason := not_int8(value):
            return reason
        same = (value.q.scale, value.q.zero_point) == (output.q.scale, output.q.zero_point)
        return "" if same else "its padding value and its output have different scales"

    def value(self, op: Op, graph: Graph) -> int:
        data = graph.input_of(op, 2).data
        assert data is not None
        return int(data.reshape(-1)[0])
