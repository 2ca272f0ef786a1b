# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and FULLY_CONNECTED on cores with plain 32-bit products: two products for three pixels.

firmware/runtime/ek_trio.h says how three sums live in two words. They are exact as long as every
sum lies in -2^20 .. 2^20 - 1, which holds for all int8 inputs of the layers that these ways take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

import numpy as np

from edgekit.lower.overlap import pixel_lead
from edgekit.lower.program import PLAIN, Const, KernelCall, Target
from edgekit.lower.ways.narrow import INT8, narrowed
from edgekit.lower.ways.plain import RECORD_BYTES, raised, stepped_records
from edgekit.lower.ways.plain_costs import BlockCosts, plain_costs
from edgekit.lower.ways.steps import Stepped, stepped
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

PIXELS = 6
REACH = 1 << 20  # of a sum, either side of zero
BLOCK_CODE, EXPAND_CODE = 440, ("trio expand", 100)


@way_for("CONV_2D", needs=PLAIN)
def trio_conv(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any window, stride, padding and dilation; no groups."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    out_c, k_h, k_w, in_c = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    assert weights.data is not None
    if in_c != source.shape[3]:
        return
    layer = stepped(narrowed(op, graph, weights.data.reshape(out_c, -1)))
    if layer is None or not fits(layer):
        return
    ones = (window[key] == 1 for key in ("k_h", "k_w", "stride_h", "stride_w"))
    if all(ones) and source.shape[:3] == output.shape[:3]:
        yield _rows(op, graph, layer, target)
    else:
        yield _windows(op, graph, layer, window, target)


@way_for("FULLY_CONNECTED", needs=PLAIN)
def trio_fc(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """As a 1x1 convolution over its rows."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    layer = stepped(narrowed(op, graph, weights.data, float_product=not weights.q.per_channel))
    if layer is not None and fits(layer):
        yield _rows(op, graph, layer, target)


def fits(layer: Stepped) -> bool:
    """Whether each sum of each channel, from its start on, is within REACH for all int8 inputs."""
    weights, start = layer.layer.weights, layer.records[:, 0]
    above, below = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    least = start + INT8[0] * above + INT8[1] * below
    most = start + INT8[1] * above + INT8[0] * below
    return bool((least >= -REACH).all() and (most < REACH).all())


def _rows(op: Op, graph: Graph, layer: Stepped, target: Target) -> Way:
    out_c, in_c = layer.layer.weights.shape
    rows = graph.output_of(op).elements // out_c
    blocks = ceil(rows / PIXELS)
    lead = max(blocks - 1, 0) * PIXELS * max(out_c - in_c, 0)
    scratch = 16 * (in_c + 1)

    def lower() -> KernelCall:
        away = int(layer.layer.away)
        return KernelCall(
            kernel="rows_trio",
            params={"rows": rows, "in_c": in_c, "out_c": out_c, "away": away},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("weights", raised(layer)), stepped_records(layer)),
            scratch_bytes=scratch,
            leads=((0, lead),),
        )

    costs = plain_costs(target.core).trio_block
    cost = blocks * (costs.per_pixel + _expand(costs, 1, in_c) + _channels(costs, layer))
    return _way("trio rows", layer, cost, scratch, ("trio rows", 260), lower, lead)


def _windows(op: Op, graph: Graph, layer: Stepped, window: dict[str, int], target: Target) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    batches, in_h, in_w, in_c = source.shape
    _, out_h, out_w, out_c = output.shape
    shape = {"in_h": in_h, "in_w": in_w, "in_c": in_c, "out_h": out_h, "out_w": out_w, **window}
    lead = pixel_lead(shape, in_c, out_c) + (PIXELS - 1) * out_c
    taps, run = layer.layer.weights.shape[1], window["k_w"] * in_c
    scratch = 16 * (taps + 1) + 4 * run

    def lower() -> KernelCall:
        params = shape | {"out_c": out_c, "in_zero_point": layer.layer.in_zero_point}
        return KernelCall(
            kernel="conv_trio",
            params=params | {"away": int(layer.layer.away)},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("weights", raised(layer)), stepped_records(layer)),
            scratch_bytes=scratch,
            leads=((0, lead),),
        )

    costs = plain_costs(target.core).trio_block
    block = 2 * costs.per_pixel + _expand(costs, window["k_h"], run) + _channels(costs, layer)
    cost = batches * ceil(out_h * out_w / PIXELS) * block
    return _way("trio windows", layer, cost, scratch, ("trio windows", 640), lower, lead)


def _expand(costs: BlockCosts, runs: int, run: int) -> float:
    return 2 * runs * (costs.per_run + run * costs.per_byte)


def _channels(costs: BlockCosts, layer: Stepped) -> float:
    out_c, taps = layer.layer.weights.shape
    away = costs.per_away * layer.layer.away
    return out_c * (costs.per_channel + away + taps * costs.per_input)


def _way(
    name: str,
    layer: Stepped,
    cost: float,
    scratch: int,
    code: tuple[str, int],
    lower: Callable[[], KernelCall],
    lead: int,
) -> Way:
    block = (f"trio block {layer.layer.away}", BLOCK_CODE)
    return Way(
        name=name,
        instructions=cost,
        flash_bytes=layer.layer.weights.size + RECORD_BYTES * len(layer.records),
        scratch_bytes=scratch,
        code=(code, EXPAND_CODE, block),
        lower=lower,
        lead=lead,
    )
