# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and FULLY_CONNECTED on cores with plain 32-bit products: words times bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

import numpy as np

from edgekit.lower.overlap import pixel_lead
from edgekit.lower.program import PLAIN, Const, KernelCall, Target
from edgekit.lower.ways.narrow import narrowed
from edgekit.lower.ways.plain_costs import BlockCosts, RowCosts, plain_costs
from edgekit.lower.ways.steps import Stepped, stepped
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

PIXELS, FOUR, OFFSET = 4, 4, 128
BLOCK_CODE, FC_CODE = 460, 640
EXPAND_CODE = ("plain expand", 80)
RECORD_BYTES = 28


@way_for("CONV_2D", needs=PLAIN)
def plain_conv(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
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
        yield _rows(op, graph, layer, plain_costs(target.core).block)
    else:
        yield _windows(op, graph, layer, window, plain_costs(target.core).block)


@way_for("FULLY_CONNECTED", needs=PLAIN)
def plain_fc(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """One row after the other, or as a 1x1 convolution over them."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    layer = stepped(narrowed(op, graph, weights.data, float_product=not weights.q.per_channel))
    if layer is not None:
        yield _row(op, graph, layer, plain_costs(target.core).row)
        yield _rows(op, graph, layer, plain_costs(target.core).block)


def _rows(op: Op, graph: Graph, layer: Stepped, costs: BlockCosts) -> Way:
    out_c, in_c = layer.layer.weights.shape
    rows = graph.output_of(op).elements // out_c
    lead = max(ceil(rows / PIXELS) - 1, 0) * PIXELS * max(out_c - in_c, 0)
    scratch = 4 * PIXELS * (in_c + 1)

    def lower() -> KernelCall:
        away = int(layer.layer.away)
        return KernelCall(
            kernel="rows_plain",
            params={"rows": rows, "in_c": in_c, "out_c": out_c, "away": away},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("weights", raised(layer)), stepped_records(layer)),
            scratch_bytes=scratch,
            leads=((0, lead),),
        )

    expand = PIXELS * (costs.per_pixel / 2 + in_c * costs.per_byte)
    cost = ceil(rows / PIXELS) * (expand + out_c * _per_channel(layer, costs))
    return _way("plain rows", layer, cost, scratch, ("plain rows", 200), lower, lead)


def _windows(
    op: Op, graph: Graph, layer: Stepped, window: dict[str, int], costs: BlockCosts
) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    batches, in_h, in_w, in_c = source.shape
    _, out_h, out_w, out_c = output.shape
    shape = {"in_h": in_h, "in_w": in_w, "in_c": in_c, "out_h": out_h, "out_w": out_w, **window}
    lead = pixel_lead(shape, in_c, out_c) + (PIXELS - 1) * out_c
    taps = layer.layer.weights.shape[1]
    scratch = 4 * PIXELS * (taps + 1)

    def lower() -> KernelCall:
        params = shape | {"out_c": out_c, "in_zero_point": layer.layer.in_zero_point}
        return KernelCall(
            kernel="conv_plain",
            params=params | {"away": int(layer.layer.away)},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("weights", raised(layer)), stepped_records(layer)),
            scratch_bytes=scratch,
            leads=((0, lead),),
        )

    expand = PIXELS * (costs.per_pixel + window["k_h"] * costs.per_run + taps * costs.per_byte)
    cost = batches * ceil(out_h * out_w / PIXELS) * (expand + out_c * _per_channel(layer, costs))
    return _way("plain windows", layer, cost, scratch, ("plain windows", 560), lower, lead)


def _row(op: Op, graph: Graph, layer: Stepped, costs: RowCosts) -> Way:
    out_c, depth = layer.layer.weights.shape
    rows = graph.output_of(op).elements // out_c
    in_place = rows == 1 and out_c <= depth
    filled = layer.filled(FOUR)

    def lower() -> KernelCall:
        away = int(layer.layer.away)
        return KernelCall(
            kernel="fc_plain",
            params={"rows": rows, "depth": depth, "out_c": out_c, "away": away},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("weights", abreast(filled)), fc_records(filled)),
            scratch_bytes=depth,
            in_place=(0,) if in_place else (),
        )

    fours = ceil(out_c / FOUR)
    four = costs.per_four + costs.per_away * layer.layer.away + depth * costs.per_input
    cost = rows * (costs.per_row + depth * costs.per_byte + fours * four)
    lead = 0 if in_place else None
    return _way("plain row", layer, cost, depth, ("plain row", 240), lower, lead, fc=True)


def _per_channel(layer: Stepped, costs: BlockCosts) -> float:
    taps = layer.layer.weights.shape[1]
    return costs.per_channel + costs.per_away * layer.layer.away + taps * costs.per_input


def _way(
    name: str,
    layer: Stepped,
    cost: float,
    scratch: int,
    code: tuple[str, int],
    lower: Callable[[], KernelCall],
    lead: int | None,
    *,
    fc: bool = False,
) -> Way:
    away = layer.layer.away
    block = (f"plain fc {away}", FC_CODE) if fc else (f"plain block {away}", BLOCK_CODE)
    return Way(
        name=name,
        instructions=cost,
        flash_bytes=layer.layer.weights.size + RECORD_BYTES * len(layer.records),
        scratch_bytes=scratch,
        code=(code, block) if fc else (code, EXPAND_CODE, block),
        lower=lower,
        lead=lead,
    )


def stepped_records(layer: Stepped) -> Const:
    """`ek_stepped` of every channel."""
    return Const("records", wrapped(layer.records), struct="ek_stepped")


def wrapped(records: np.ndarray) -> np.ndarray:
    """int64 modulo 2^32, as int32."""
    return (records & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def raised(layer: Stepped) -> np.ndarray:
    """Weights with 128 added, uint8, channel by channel."""
    return (layer.layer.weights + OFFSET).astype(np.uint8)


def abreast(layer: Stepped) -> np.ndarray:
    """Weights with 128 added, uint8, four channels abreast."""
    out_c, depth = layer.layer.weights.shape
    return raised(layer).reshape(out_c // FOUR, FOUR, depth).transpose(0, 2, 1).copy()


def fc_records(layer: Stepped) -> Const:
    """`ek_stepped` of every channel, with what inputs that have 128 added bring in."""
    records = layer.records.copy()
    records[:, 0] -= OFFSET * layer.layer.weights.sum(axis=1)
    return Const("records", wrapped(records), struct="ek_stepped")
