# SPDX-License-Identifier: Apache-2.0
"""What the two resize operators share."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.lower.moves import cannot_move, constant_ints
from edgekit.tflite.graph import Graph, Op


def cannot_resize(op: Op, graph: Graph, dtypes: Sequence[str]) -> str:
    """Reason where the op does not make another NHWC image of constant size, or empty."""
    source, output, operand = graph.operand(op, 0), graph.output_of(op), graph.operand(op, 1)
    if reason := cannot_move(dtypes, source, output):
        return reason
    assert source is not None
    if len(source.shape) != 4:
        return "its input does not have 4 axes"
    size = constant_ints(graph, op, 1)
    if size is None or operand is None or operand.dtype != "int32" or operand.shape != (2,):
        return "its size is not two constant int32"
    fits = output.shape == (source.shape[0], *size, source.shape[3])
    return "" if fits else "its shapes disagree"
