# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and FULLY_CONNECTED with Helium: sums of 16 products at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

import numpy as np

from edgekit.lower.overlap import pixel_lead
from edgekit.lower.program import HELIUM, Const, KernelCall, Target
from edgekit.lower.ways.narrow import HALF, Narrowed, narrowed
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

INPUTS, FOUR, EIGHT = 16, 4, 8
PIXELS = 8  # at a time, and fewer where their copies would take more than:
COPIES_BYTES = 4096
# Counted in firmware/runtime/ek_helium_*.h and ek_fc_helium.h: per step of 16 inputs and per block
# of two pixels and four channels, per four of channels, per pass over some pixels; per run of bytes
# copied, per 16 bytes of it, per window; per step and per group of eight channels of a row.
PER_STEP, PER_BLOCK, PER_AWAY, PER_FOUR, PER_PASS = 14.0, 27.0, 4.0, 16.0, 130.0
PER_RUN, PER_COPY, PER_WINDOW, PER_EDGE = 8.0, 3.0, 34.0, 90.0
PER_FC_STEP, PER_EIGHT, PER_ROW = 17.2, 30.0, 90.0
BLOCK_CODE, FC_CODE = 620, 680
COPY_CODE = ("helium copy", 60)


@way_for("CONV_2D", needs=HELIUM)
def helium_conv(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any window, stride, padding and dilation; no groups."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    out_c, k_h, k_w, in_c = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    assert weights.data is not None
    if in_c != source.shape[3]:
        return
    layer = narrowed(op, graph, weights.data.reshape(out_c, -1))
    if layer is None:
        return
    ones = (window[key] == 1 for key in ("k_h", "k_w", "stride_h", "stride_w"))
    if all(ones) and source.shape[:3] == output.shape[:3]:
        yield _rows(op, graph, layer)
    else:
        yield _windows(op, graph, layer, window)


@way_for("FULLY_CONNECTED", needs=HELIUM)
def helium_fc(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """One row after the other, or as a 1x1 convolution over them."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    layer = narrowed(op, graph, weights.data, float_product=not weights.q.per_channel)
    if layer is not None:
        yield _row(op, graph, layer)
        yield _rows(op, graph, layer)


def _rows(op: Op, graph: Graph, layer: Narrowed) -> Way:
    out_c, in_c = layer.weights.shape
    rows = graph.output_of(op).elements // out_c
    passes, steps = ceil(rows / PIXELS), ceil(in_c / INPUTS)
    lead = max(passes - 1, 0) * PIXELS * max(out_c - in_c, 0)
    runs, run = (passes, PIXELS * in_c) if in_c % INPUTS == 0 else (rows, in_c)

    def lower() -> KernelCall:
        return KernelCall(
            kernel="rows_helium",
            params={"rows": rows, "in_c": in_c, "layer": _layer(layer, steps)},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", dense_stream(layer)),),
            scratch_bytes=PIXELS * steps * INPUTS,
            leads=((0, lead),),
        )

    copies = runs * (PER_RUN + ceil(run / INPUTS) * PER_COPY)
    scratch, code = PIXELS * steps * INPUTS, ("helium rows", 240)
    return _way("helium rows", layer, rows, PIXELS, copies, scratch, code, lower, lead)


def _windows(op: Op, graph: Graph, layer: Narrowed, window: dict[str, int]) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    batches, in_h, in_w, in_c = source.shape
    _, out_h, out_w, out_c = output.shape
    steps = ceil(layer.weights.shape[1] / INPUTS)
    pixels = max(2, min(PIXELS, COPIES_BYTES // (steps * INPUTS)))
    shape = {"in_h": in_h, "in_w": in_w, "in_c": in_c, "out_h": out_h, "out_w": out_w, **window}
    lead = pixel_lead(shape, in_c, out_c) + (pixels - 1) * out_c

    def lower() -> KernelCall:
        params = shape | {"in_zero_point": layer.in_zero_point, "pixels": pixels}
        return KernelCall(
            kernel="conv_helium",
            params=params | {"layer": _layer(layer, steps)},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", dense_stream(layer)),),
            scratch_bytes=pixels * steps * INPUTS,
            leads=((0, lead),),
        )

    copies = batches * out_h * out_w * _window_cost(shape)
    code, scratch = ("helium windows", 900), pixels * steps * INPUTS
    total = batches * out_h * out_w
    return _way("helium windows", layer, total, pixels, copies, scratch, code, lower, lead)


def _window_cost(shape: dict[str, int]) -> float:
    """Instructions for the copy of a window, on average over an image."""
    dilated = shape["dilation_w"] > 1
    runs = shape["k_h"] * (shape["k_w"] if dilated else 1)
    vectors = ceil(shape["in_c"] * (1 if dilated else shape["k_w"]) / INPUTS)
    insides = [
        sum(
            0 <= at * shape[f"stride_{axis}"] - shape[f"pad_{side}"]
            and at * shape[f"stride_{axis}"]
            - shape[f"pad_{side}"]
            + (shape[f"k_{axis}"] - 1) * shape[f"dilation_{axis}"]
            < shape[f"in_{axis}"]
            for at in range(shape[f"out_{axis}"])
        )
        / shape[f"out_{axis}"]
        for axis, side in (("h", "top"), ("w", "left"))
    ]
    edge = shape["k_h"] * PER_EDGE * (1 - insides[0] * insides[1])
    return PER_WINDOW + runs * (PER_RUN + vectors * PER_COPY) + edge


def _row(op: Op, graph: Graph, layer: Narrowed) -> Way:
    out_c, depth = layer.weights.shape
    rows, steps = graph.output_of(op).elements // out_c, ceil(depth / INPUTS)
    in_place = rows == 1 and out_c <= depth

    def lower() -> KernelCall:
        shape = {"rows": rows, "depth": depth, "out_c": out_c, "steps": steps}
        return KernelCall(
            kernel="fc_helium",
            params=shape | layer.params(),
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", fc_stream(layer)),),
            scratch_bytes=steps * INPUTS,
            in_place=(0,) if in_place else (),
        )

    eights = ceil(out_c / EIGHT)
    per_row = PER_ROW + PER_COPY * steps + eights * (PER_EIGHT + steps * PER_FC_STEP)
    return Way(
        name="helium row",
        instructions=rows * per_row,
        flash_bytes=eights * EIGHT * (12 + steps * INPUTS),
        scratch_bytes=steps * INPUTS,
        code=(COPY_CODE, (f"helium fc {layer.away}", FC_CODE)),
        lower=lower,
        lead=0 if in_place else None,
    )


def _layer(layer: Narrowed, steps: int) -> dict[str, int]:
    """Fields of `ek_helium_layer`."""
    return {"steps": steps, "out_c": len(layer.weights)} | layer.params()


def _way(
    name: str,
    layer: Narrowed,
    pixels: int,
    at_once: int,
    copies: float,
    scratch: int,
    code: tuple[str, int],
    lower: Callable[[], KernelCall],
    lead: int,
) -> Way:
    fours, steps = ceil(len(layer.weights) / FOUR), ceil(layer.weights.shape[1] / INPUTS)
    passes, pairs = ceil(pixels / at_once), ceil(pixels / 2)
    block = steps * PER_STEP + PER_BLOCK + layer.away * PER_AWAY
    return Way(
        name=name,
        instructions=copies + passes * (PER_PASS + fours * PER_FOUR) + pairs * fours * block,
        flash_bytes=fours * FOUR * (12 + steps * INPUTS),
        scratch_bytes=scratch,
        code=(code, COPY_CODE, (f"helium block {layer.away}", BLOCK_CODE)),
        lower=lower,
        lead=lead,
    )


def finish_rows(layer: Narrowed) -> np.ndarray:
    """Bias, multiplier and shift of every channel, (3, channels) int32."""
    filler = layer.factor == 0  # channels that fill up a group
    multiplier = np.where(filler, HALF, (layer.high + (1 << 32)) >> 1)
    shift = np.where(filler, -2, np.log2(np.maximum(layer.factor, 1)).astype(np.int64) - 32)
    return np.stack([layer.bias, multiplier, shift]).astype(np.int32)


def _blocked(layer: Narrowed, channels: np.ndarray) -> np.ndarray:
    """Weights of groups of `channels` (groups, width), int32 words: per group and step of 16 inputs
    the 16 weights of each channel, padded with zeros."""
    taps = layer.weights.shape[1]
    padded = np.zeros((len(layer.weights), ceil(taps / INPUTS) * INPUTS), np.int8)
    padded[:, :taps] = layer.weights
    groups = padded[channels].reshape(*channels.shape, -1, INPUTS).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(groups).reshape(len(channels), -1).view("<i4")


def dense_stream(layer: Narrowed) -> np.ndarray:
    """The stream of `ek_helium_block`, int32; the last four channels may repeat some."""
    full = layer.filled(FOUR) if len(layer.weights) < FOUR else layer
    count = len(full.weights)
    starts = [min(first, count - FOUR) for first in range(0, count, FOUR)]
    channels = np.array([range(first, first + FOUR) for first in starts])
    finish = finish_rows(full)[:, channels].transpose(1, 0, 2).reshape(len(channels), -1)
    return np.concatenate([finish, _blocked(full, channels)], axis=1).reshape(-1)


def fc_stream(layer: Narrowed) -> np.ndarray:
    """The stream of `ek_fc_helium_block`, int32."""
    full = layer.filled(EIGHT)
    channels = np.arange(len(full.weights)).reshape(-1, EIGHT)
    apart = np.concatenate([channels[:, ::2], channels[:, 1::2]], axis=1)
    finish = finish_rows(full)[:, apart].transpose(1, 0, 2).reshape(len(channels), -1)
    return np.concatenate([finish, _blocked(full, channels)], axis=1).reshape(-1)
