# SPDX-License-Identifier: Apache-2.0
"""What REDUCE_MAX and REDUCE_MIN share: raw integers are compared, so scales must be equal."""

from __future__ import annotations

from edgekit.lower.reduce import Reduce
from edgekit.tflite.graph import Graph, Op


class Extreme(Reduce):
    """The largest or smallest int8 along axes."""

    def refuse(self, op: Op, graph: Graph) -> str:
        if reason := super().refuse(op, graph):
            return reason
        source, output = graph.input_of(op), graph.output_of(op)
        same = (source.q.scale, source.q.zero_point) == (output.q.scale, output.q.zero_point)
        return "" if same else "its input and output have different scales"
