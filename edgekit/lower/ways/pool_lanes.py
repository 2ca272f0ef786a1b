# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D of channels in fours, two sums to a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgekit.lower.opkind import REGISTRY
from edgekit.lower.program import KernelCall, Target
from edgekit.lower.ways.way import Way, way_for
from edgekit.tflite.graph import Graph, Op

LARGEST_WINDOW = 255  # 128 times that fits an int16 lane
# Counted in the code that GCC makes of ek_average_pool_lanes.h for a model with one
# such layer, four channels at a time: per pixel of a window, per row of it, per window.
PER_PIXEL, PER_ROW, PER_WINDOW = 9.6, 17.8, 2.0
WHOLE_PIXEL, WHOLE_WINDOW = 3.8, 60.0  # one window over all of the input
PER_PLACE = 10.0
CODE = ("average pool lanes", 300)


@way_for("AVERAGE_POOL_2D")
def pool_lanes(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any window of up to 255 pixels."""
    output, options = graph.output_of(op), op.options
    window = options["filter_height"] * options["filter_width"]
    channels = output.shape[3]
    if window > LARGEST_WINDOW or channels % 4:
        return
    pixels = output.elements // channels
    fours = pixels * channels / 4

    def lower() -> KernelCall:
        return replace(REGISTRY[op.kind].lower(op, graph, target), kernel="average_pool_lanes")

    rows = options["filter_height"]
    if output.shape[1] * output.shape[2] == 1:
        each = WHOLE_WINDOW + window * WHOLE_PIXEL
    else:
        each = PER_WINDOW + rows * PER_ROW + window * PER_PIXEL
    cost = pixels * PER_PLACE + fours * each
    yield Way("pool lanes", cost, 0, 0, (CODE,), lower)
