# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and FULLY_CONNECTED on cores with plain 32-bit products: two products for three pixels.

firmware/runtime/ek_trio.h says how three sums live in two words. They are exact as long as every
sum lies in -2^20 .. 2^20 - 1, which holds for all int8 inputs of the layers that these ways take:
at once, or with their inputs in parts whose sums are added up in words.
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
MOST_PARTS = 16
BLOCK_CODE, EXPAND_CODE, PARTS_CODE = 580, ("trio expand", 80), ("trio parts", 1000)
CODE = {"trio rows": 410, "trio windows": 950}
PER_NARROWED = 30.0  # instructions for an output of a layer in parts, which is narrowed in C


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
    if layer is None:
        return
    ones = (window[key] == 1 for key in ("k_h", "k_w", "stride_h", "stride_w"))
    if all(ones) and source.shape[:3] == output.shape[:3]:
        if parts := parts_of(layer, in_c):
            yield _rows(op, graph, layer, parts, target)
    elif parts := parts_of(layer, k_h):
        yield _windows(op, graph, layer, parts, window, target)


@way_for("FULLY_CONNECTED", needs=PLAIN)
def trio_fc(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """As a 1x1 convolution over its rows."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    layer = stepped(narrowed(op, graph, weights.data, float_product=not weights.q.per_channel))
    if layer is not None and (parts := parts_of(layer, weights.shape[1])):
        yield _rows(op, graph, layer, parts, target)


def fits(layer: Stepped) -> bool:
    """Whether each sum of each channel, from its start on, is within REACH for all int8 inputs."""
    weights, start = layer.layer.weights, layer.records[:, 0]
    above, below = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    least = start + INT8[0] * above + INT8[1] * below
    most = start + INT8[1] * above + INT8[0] * below
    return bool((least >= -REACH).all() and (most < REACH).all())


def parts_of(layer: Stepped, units: int) -> int:
    """In how many parts the inputs go, each of as many of `units` as the others; 0: no such."""
    if fits(layer):
        return 1
    out_c = len(layer.records)
    for parts in range(2, min(units, MOST_PARTS) + 1):
        if units % parts == 0:
            sums = np.abs(layer.layer.weights).reshape(out_c, parts, -1).sum(axis=2)
            if -INT8[0] * sums.max() < REACH:
                return parts
    return 0


def _weights(layer: Stepped, parts: int) -> Const:
    """[part][channel][input of it], raised."""
    weights = raised(layer).reshape(len(layer.records), parts, -1).transpose(1, 0, 2)
    return Const("weights", np.ascontiguousarray(weights))


def _rows(op: Op, graph: Graph, layer: Stepped, parts: int, target: Target) -> Way:
    out_c, in_c = layer.layer.weights.shape
    rows = graph.output_of(op).elements // out_c
    blocks = ceil(rows / PIXELS)
    lead = max(blocks - 1, 0) * PIXELS * max(out_c - in_c, 0)
    scratch = _scratch(layer, parts)

    def lower() -> KernelCall:
        last = {"away": int(layer.layer.away)} if parts == 1 else {"parts": parts}
        return KernelCall(
            kernel="rows_trio" if parts == 1 else "rows_trio_parts",
            params={"rows": rows, "in_c": in_c, "out_c": out_c, **last},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(_weights(layer, parts), stepped_records(layer)),
            scratch_bytes=scratch,
            leads=((0, lead),),
        )

    costs = plain_costs(target.core).trio_block
    block = costs.per_pixel + _expand(costs, parts, in_c // parts)
    cost = blocks * (block + _channels(costs, layer, parts))
    return _way("trio rows", layer, cost, parts, lower, lead, scratch)


def _windows(
    op: Op, graph: Graph, layer: Stepped, parts: int, window: dict[str, int], target: Target
) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    batches, in_h, in_w, in_c = source.shape
    _, out_h, out_w, out_c = output.shape
    shape = {"in_h": in_h, "in_w": in_w, "in_c": in_c, "out_h": out_h, "out_w": out_w, **window}
    lead = pixel_lead(shape, in_c, out_c) + (PIXELS - 1) * out_c
    run = window["k_w"] * in_c
    scratch = _scratch(layer, parts) + 4 * run

    def lower() -> KernelCall:
        params = shape | {"out_c": out_c, "in_zero_point": layer.layer.in_zero_point}
        params |= {"away": int(layer.layer.away)}
        return KernelCall(
            kernel="conv_trio" if parts == 1 else "conv_trio_parts",
            params=params if parts == 1 else {"conv": params, "parts": parts},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(_weights(layer, parts), stepped_records(layer)),
            scratch_bytes=scratch,
            leads=((0, lead),),
        )

    costs = plain_costs(target.core).trio_block
    block = 2 * costs.per_pixel + _expand(costs, window["k_h"], run)
    block += _channels(costs, layer, parts)
    cost = batches * ceil(out_h * out_w / PIXELS) * block
    return _way("trio windows", layer, cost, parts, lower, lead, scratch)


def _scratch(layer: Stepped, parts: int) -> int:
    out_c, taps = layer.layer.weights.shape
    return 16 * (taps + parts) + (4 * PIXELS * out_c if parts > 1 else 0)


def _expand(costs: BlockCosts, runs: int, run: int) -> float:
    return 2 * runs * (costs.per_run + run * costs.per_byte)


def _channels(costs: BlockCosts, layer: Stepped, parts: int) -> float:
    out_c, taps = layer.layer.weights.shape
    away = costs.per_away * layer.layer.away
    if parts > 1:
        away = PIXELS * PER_NARROWED
    return out_c * (parts * costs.per_channel + away + taps * costs.per_input)


def _way(
    name: str,
    layer: Stepped,
    cost: float,
    parts: int,
    lower: Callable[[], KernelCall],
    lead: int,
    scratch: int,
) -> Way:
    block = (f"trio block {layer.layer.away}", BLOCK_CODE) if parts == 1 else PARTS_CODE
    return Way(
        name=name if parts == 1 else f"{name} in parts",
        instructions=cost,
        flash_bytes=layer.layer.weights.size + RECORD_BYTES * len(layer.records),
        scratch_bytes=scratch,
        code=((name, CODE[name]), EXPAND_CODE, block),
        lower=lower,
        lead=lead,
    )
