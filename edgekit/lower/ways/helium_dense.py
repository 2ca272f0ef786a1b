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
LARGEST_GROUPS = 16  # beyond, portable C has less to do
PIXELS = (2, 8, 32)  # at a time, even: least, wanted, most
COPIES_BYTES = (1024, 8192)  # of copies of the pixels: for more than 8, and for those
LARGEST_OFFSET = (1 << 16) - 1  # lanes of offsets have 16 bits
LARGEST_PADDED = 4096  # bytes of an input that is copied with its padding around it
# Counted in firmware/runtime/ek_helium_*.h and ek_fc_helium.h: per step of 16 inputs and per block
# of two pixels and four channels, per four of channels, per pass over some pixels; per run of up
# to 16 bytes copied, per longer run and 16 bytes of it, per window, per kernel row at an edge; per
# step and per group of eight channels of a row.
PER_STEP, PER_BLOCK, PER_AWAY, PER_FOUR, PER_PASS = 14.0, 27.0, 4.0, 16.0, 130.0
PER_SHORT, PER_RUN, PER_COPY, PER_WINDOW, PER_EDGE = 6.0, 8.0, 3.0, 9.0, 70.0
PER_GATHER = (2.0, 4.0)  # in ek_helium_gather.h, per window and per step of it
GATHER_STEPS = 3  # most
PER_FC_STEP, PER_EIGHT, PER_ROW = 17.2, 30.0, 90.0
PER_FIXED = (32.0, 49.0, 63.0, 77.0)  # in ek_helium_steps.h, of one step to four
BLOCK_CODE, FC_CODE = 620, 680
COPY_CODE = ("helium copy", 220)


@way_for("CONV_2D", needs=HELIUM)
def helium_conv(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any window, stride, padding and dilation; groups with weights of 0 for the others' inputs."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    out_c, k_h, k_w, in_c = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    assert weights.data is not None
    groups = source.shape[3] // in_c
    if groups > LARGEST_GROUPS:
        return
    layer = narrowed(op, graph, _ungrouped(weights.data, groups).reshape(out_c, -1))
    if layer is None or not pixels_once(layer):
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
    if layer is not None and pixels_once(layer):
        yield _row(op, graph, layer)
        yield _rows(op, graph, layer)


def _ungrouped(weights: np.ndarray, groups: int) -> np.ndarray:
    """(out, height, width, inputs of a group) to (out, height, width, inputs)."""
    out_c, k_h, k_w, each = weights.shape
    full = np.zeros((groups, out_c // groups, k_h, k_w, groups, each), weights.dtype)
    parts = weights.reshape(groups, -1, k_h, k_w, each)
    for group in range(groups):
        full[group, :, :, :, group] = parts[group]
    return full.reshape(out_c, k_h, k_w, groups * each)


def pixels_once(layer: Narrowed) -> int:
    """Pixels at a time; 0 where offsets between their outputs do not fit."""
    out_c, taps = layer.weights.shape
    bytes_each = ceil(taps / INPUTS) * INPUTS
    least, wanted, most = PIXELS
    once = max(min(COPIES_BYTES[1] // bytes_each, wanted), least, COPIES_BYTES[0] // bytes_each)
    reach = (LARGEST_OFFSET - FOUR) // out_c  # between the two pixels of a pair
    return min(once // 2 * 2, most, 2 * reach)


def _rows(op: Op, graph: Graph, layer: Narrowed) -> Way:
    out_c, in_c = layer.weights.shape
    rows, once = graph.output_of(op).elements // out_c, pixels_once(layer)
    passes, steps = ceil(rows / once), ceil(in_c / INPUTS)
    lead = max(passes - 1, 0) * once * max(out_c - in_c, 0)
    runs, run = (passes, once * in_c) if in_c % INPUTS == 0 else (rows, in_c)

    def lower() -> KernelCall:
        return KernelCall(
            kernel="rows_helium",
            params={"rows": rows, "in_c": in_c, "pixels": once, "layer": _layer(layer, steps)},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", dense_stream(layer)),),
            scratch_bytes=once * steps * INPUTS,
            leads=((0, lead),),
        )

    copies = runs * (PER_RUN + ceil(run / INPUTS) * PER_COPY)
    scratch, code = once * steps * INPUTS, ("helium rows", 240)
    return _way("helium rows", layer, rows, once, copies, scratch, code, lower, lead)


def _windows(op: Op, graph: Graph, layer: Narrowed, window: dict[str, int]) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    batches, in_h, in_w, in_c = source.shape
    _, out_h, out_w, out_c = output.shape
    steps, once = ceil(layer.weights.shape[1] / INPUTS), pixels_once(layer)
    shape = {"in_h": in_h, "in_w": in_w, "in_c": in_c, "out_h": out_h, "out_w": out_w, **window}
    lead = pixel_lead(shape, in_c, out_c) + (once - 1) * out_c
    padded = _padded_bytes(shape)
    pads = source.bytes // batches < padded <= LARGEST_PADDED
    scratch = (once * steps + 1) * INPUTS + padded * pads
    total = batches * out_h * out_w
    gather = _gathers(shape, steps)
    copies = total * _window_cost(shape, pads, steps if gather else 0) + pads * batches * in_h * (
        PER_RUN + 3 * in_w
    )

    def lower() -> KernelCall:
        params = shape | {"in_zero_point": layer.in_zero_point}
        params |= {"pixels": once, "pad_input": int(pads), "gather": int(gather)}
        return KernelCall(
            kernel="conv_helium",
            params=params | {"layer": _layer(layer, steps)},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", dense_stream(layer)),),
            scratch_bytes=scratch,
            leads=((0, lead),),
        )

    code = ("helium windows", 1300)
    return _way("helium windows", layer, total, once, copies, scratch, code, lower, lead)


def _padded_bytes(shape: dict[str, int]) -> int:
    """Bytes of one input with all the padding that windows reach, as ek_conv_helium_padded."""
    sides = [
        max(
            (shape[f"out_{axis}"] - 1) * shape[f"stride_{axis}"]
            + (shape[f"k_{axis}"] - 1) * shape[f"dilation_{axis}"]
            + 1,
            shape[f"in_{axis}"] + shape[f"pad_{side}"],
        )
        for axis, side in (("h", "top"), ("w", "left"))
    ]
    return sides[0] * sides[1] * shape["in_c"]


def _gathers(shape: dict[str, int], steps: int) -> bool:
    """Whether windows are gathered: kernel rows of up to 16 bytes, or taps that are apart."""
    reach = [(shape[f"k_{axis}"] - 1) * shape[f"dilation_{axis}"] for axis in "hw"]
    wide = shape["in_w"] + shape["pad_left"] + reach[1] + 1  # with padding at the most
    far = ((reach[0] * wide) + reach[1] + 1) * shape["in_c"] > LARGEST_OFFSET
    short = shape["k_w"] * shape["in_c"] <= INPUTS or shape["dilation_w"] > 1
    return steps <= GATHER_STEPS and short and not far


def _window_cost(shape: dict[str, int], pads: bool, gathered: int) -> float:
    """Instructions for the copy of a window, on average over an image; `gathered` steps or 0."""
    run = shape["k_w"] * shape["in_c"]
    per_run = PER_SHORT if run <= INPUTS else PER_RUN + ceil(run / INPUTS) * PER_COPY
    edges = 0.0 if pads else 1 - _inside(shape, "h", "top") * _inside(shape, "w", "left")
    if gathered:
        inside = PER_GATHER[0] + PER_GATHER[1] * gathered
        return inside + edges * (PER_WINDOW + shape["k_h"] * (per_run + PER_EDGE))
    if shape["dilation_w"] > 1:
        edges = 1.0
    return PER_WINDOW + shape["k_h"] * (per_run + edges * PER_EDGE)


def _inside(shape: dict[str, int], axis: str, side: str) -> float:
    """Part of the windows that lie inside along an axis."""
    reach = (shape[f"k_{axis}"] - 1) * shape[f"dilation_{axis}"]
    starts = [
        at * shape[f"stride_{axis}"] - shape[f"pad_{side}"] for at in range(shape[f"out_{axis}"])
    ]
    return sum(0 <= start < shape[f"in_{axis}"] - reach for start in starts) / len(starts)


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
    fixed = steps <= len(PER_FIXED)
    block = PER_FIXED[steps - 1] if fixed else steps * PER_STEP + PER_BLOCK
    block += layer.away * PER_AWAY
    block_code = (
        (f"helium steps {steps} {layer.away}", 230 + 68 * steps)
        if fixed
        else (f"helium block {layer.away}", BLOCK_CODE)
    )
    return Way(
        name=name,
        instructions=copies + passes * (PER_PASS + fours * PER_FOUR) + pairs * fours * block,
        flash_bytes=fours * FOUR * (12 + steps * INPUTS),
        scratch_bytes=scratch,
        code=(code, COPY_CODE, block_code),
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
