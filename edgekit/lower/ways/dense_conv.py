# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, and FULLY_CONNECTED of many rows, over packed channel pairs, four pixels at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

import numpy as np

from edgekit.lower.overlap import pixel_lead
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.pack import can_pair, dense_stream, window_order
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

# Instructions counted in the assembly of firmware/runtime: per pair of inputs, per block of 4
# pixels and 2 channels, per expanded byte, and per block of 4 pixels outside of it.
PER_INPUT, PER_BLOCK, PER_BYTE, PER_FOUR = 12.2, 62.0, 0.95, 90.0
LARGEST_PADDED = 4096  # bytes of an input that is copied with its padding around it
BLOCK_CODE = ("dense block", 1070)
EXPAND_CODE = ("expand block", 220)


@way_for("CONV_2D")
def packed_conv(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any stride and padding; no dilation along rows, no groups, at least 2 output channels."""
    source, weights = graph.input_of(op), graph.input_of(op, 1)
    out_c, k_h, k_w, in_c = weights.shape
    window = window_params(op.options, source.shape, graph.output_of(op).shape, k_h, k_w)
    assert weights.data is not None
    if in_c != source.shape[3] or window["dilation_w"] != 1:
        return
    layer = narrowed(op, graph, weights.data.reshape(out_c, -1))
    if layer is None or not can_pair(layer):
        return
    if _is_rows(window, source.shape, graph.output_of(op).shape):
        yield _rows(op, graph, layer)
    else:
        yield _windows(op, graph, layer, window)


@way_for("FULLY_CONNECTED")
def packed_rows(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """As a 1x1 convolution over rows."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    layer = narrowed(op, graph, weights.data, float_product=not weights.q.per_channel)
    if layer is not None and can_pair(layer):
        yield _rows(op, graph, layer)


def _is_rows(window: dict[str, int], source: tuple[int, ...], output: tuple[int, ...]) -> bool:
    ones = (window[key] for key in ("k_h", "k_w", "stride_h", "stride_w"))
    return all(one == 1 for one in ones) and source[:3] == output[:3]


def _rows(op: Op, graph: Graph, layer: Narrowed) -> Way:
    output = graph.output_of(op)
    out_c, in_c = layer.weights.shape
    order = window_order(1, in_c)
    rows = output.elements // out_c
    lead = max(ceil(rows / 4) - 1, 0) * 4 * max(out_c - in_c, 0)

    def lower() -> KernelCall:
        return KernelCall(
            kernel="rows_packed",
            params={"rows": rows, "in_c": in_c, "layer": dense_layer(layer, order)},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", dense_stream(layer, order)),),
            scratch_bytes=16 * len(order),
            leads=((0, lead),),
        )

    code = ("rows packed", 200)
    return _way("packed rows", layer, order, rows, 16 * len(order), code, lower, lead)


def _windows(op: Op, graph: Graph, layer: Narrowed, window: dict[str, int]) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    batches, in_h, in_w, in_c = source.shape
    _, out_h, out_w, _ = output.shape
    run = window["k_w"] * in_c
    order = window_order(window["k_h"], run)
    padded = _padded_bytes(window, source.shape, output.shape)
    pads = padded > source.bytes // batches and padded <= LARGEST_PADDED
    scratch = 16 * len(order) + (padded if pads else 5 * run)
    shape = {"in_h": in_h, "in_w": in_w, "in_c": in_c, "out_h": out_h, "out_w": out_w}
    shape |= {key: value for key, value in window.items() if key != "dilation_w"}

    lead = pixel_lead(shape, in_c, len(layer.weights))

    def lower() -> KernelCall:
        params = shape | {"in_zero_point": layer.in_zero_point, "pad_input": int(pads)}
        return KernelCall(
            kernel="conv_packed",
            params=params | {"layer": dense_layer(layer, order)},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", dense_stream(layer, order)),),
            scratch_bytes=scratch,
            leads=((0, lead),),
        )

    pixels, code = batches * out_h * out_w, ("conv packed", 600)
    return _way("packed windows", layer, order, pixels, scratch, code, lower, lead)


def _padded_bytes(window: dict[str, int], source: tuple[int, ...], output: tuple[int, ...]) -> int:
    """Bytes of one input with all the padding that windows reach, as ek_conv_padded_params."""
    _, in_h, in_w, in_c = source
    reach_h = (output[1] - 1) * window["stride_h"] + (window["k_h"] - 1) * window["dilation_h"] + 1
    reach_w = (output[2] - 1) * window["stride_w"] + window["k_w"]
    height, width = max(reach_h, in_h + window["pad_top"]), max(reach_w, in_w + window["pad_left"])
    return height * width * in_c


def dense_layer(layer: Narrowed, order: np.ndarray) -> dict[str, int]:
    """Fields of `ek_dense_layer`."""
    return {"inputs": len(order), "out_c": len(layer.weights)} | layer.params()


def _way(
    name: str,
    layer: Narrowed,
    order: np.ndarray,
    pixels: int,
    scratch: int,
    code: tuple[str, int],
    lower: Callable[[], KernelCall],
    lead: int,
) -> Way:
    blocks, pairs = ceil(pixels / 4), ceil(len(layer.weights) / 2)
    expanded = blocks * (PER_FOUR + 8 * len(order) * PER_BYTE)
    return Way(
        name=name,
        instructions=expanded + blocks * pairs * (len(order) * PER_INPUT + PER_BLOCK),
        flash_bytes=4 * pairs * (len(order) + 6),
        scratch_bytes=scratch,
        code=(code, EXPAND_CODE, (f"{BLOCK_CODE[0]} {layer.away}", BLOCK_CODE[1])),
        lower=lower,
        lead=lead,
    )
