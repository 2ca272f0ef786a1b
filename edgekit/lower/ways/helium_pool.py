# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D with Helium: channels in lanes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from edgekit.lower.opkind import REGISTRY
from edgekit.lower.program import HELIUM, KernelCall, Target
from edgekit.lower.ways.way import Way, way_for
from edgekit.tflite.graph import Graph, Op

LARGEST_WINDOW = 255  # pixels whose sum fits a lane of 16 bits
# Counted in firmware/runtime/ek_helium_pool.h: per pixel of a window and its lanes, per row of
# them, per lanes; per window; in ek_mean_helium.h per mean.
PER_PIXEL, PER_ROW, PER_LANES, PER_MEANS, PER_WINDOW = 5.0, 5.0, 9.0, 10.0, 30.0
PER_MEAN, LARGEST_COUNT = 32.0, 256
CODE, AVERAGE_CODE = ("helium pool", 330), ("helium means", 330)


@way_for("MAX_POOL_2D", needs=HELIUM)
def helium_max_pool(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any window."""
    call = REGISTRY[op.kind].lower(op, graph, target)
    cost = _instructions(op, graph, lanes=16)

    def lower() -> KernelCall:
        return replace(call, kernel="max_pool_helium")

    yield Way("helium pool", cost, 0, 0, (CODE,), lower, dict(call.leads).get(0))


@way_for("AVERAGE_POOL_2D", needs=HELIUM)
def helium_average_pool(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any window of up to 255 pixels."""
    if op.options["filter_height"] * op.options["filter_width"] > LARGEST_WINDOW:
        return
    output = graph.output_of(op)
    scratch = 2 * output.shape[3]
    windows = output.elements // output.shape[3]
    means = windows * (PER_MEANS * (ceil(output.shape[3] / 8) + 2))
    cost = _instructions(op, graph, lanes=8) + means
    call = REGISTRY[op.kind].lower(op, graph, target)

    def lower() -> KernelCall:
        return replace(call, kernel="average_pool_helium", scratch_bytes=scratch)

    code = (CODE, AVERAGE_CODE)
    yield Way("helium pool", cost, 0, scratch, code, lower, dict(call.leads).get(0))


@way_for("MEAN", "SUM", needs=HELIUM)
def helium_mean(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Over up to 256 elements, neighbours of which stay: MEAN over height and width."""
    call = REGISTRY[op.kind].lower(op, graph, target)
    shape = call.params["shape"]
    count = shape["r1"] * shape["r2"]
    if shape["k2_step"] != 1 or shape["r0"] != 1 or count > LARGEST_COUNT:
        return
    scratch, channels = 2 * shape["k2"], shape["k2"]
    lanes = ceil(channels / 8) * (PER_LANES + shape["r1"] * (PER_ROW + shape["r2"] * PER_PIXEL))
    places = graph.output_of(op).elements // channels
    cost = places * (PER_WINDOW + lanes + channels * PER_MEAN)

    def lower() -> KernelCall:
        return replace(call, kernel="mean_helium", scratch_bytes=scratch)

    yield Way("helium mean", cost, 0, scratch, (CODE, ("helium mean", 300)), lower)


def _instructions(op: Op, graph: Graph, *, lanes: int) -> float:
    output = graph.output_of(op)
    rows, pixels = op.options["filter_height"], op.options["filter_width"]
    each = PER_LANES + rows * (PER_ROW + pixels * PER_PIXEL)
    windows = output.elements // output.shape[3]
    return windows * (PER_WINDOW + ceil(output.shape[3] / lanes) * each)
