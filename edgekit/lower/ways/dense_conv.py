# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, and FULLY_CONNECTED of many rows, over pairs of channels, four pixels at a time.

Weights are packed, a byte each, or wide: two bytes each, which need not be taken apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from edgekit.lower.overlap import pixel_lead
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.ways.gathering import rows_around, windows_around
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.pack import can_pair, dense_stream, wide_stream, window_order
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op, Tensor

# Instructions counted in the assembly of ek_dense_block.h and ek_expand_block.h, for 4 pixels: per
# pair of inputs and 2 channels, per 16 of them after the first, per 2 channels, where halves go
# away from zero; per 4 bytes, per 2 and for a single one behind them, per run.
PER_SIXTEEN, PER_AWAY = 3.0, 8.0
PER_WORD, PER_TWO, PER_ONE, PER_RUN = 15.0, 17.0, 5.0, 5.0
FEW = 4  # groups, or channels of a depthwise convolution, for which products with 0 may pay
LARGEST_PADDED = 4096  # bytes of an input that is copied with its padding around it
EXPAND_CODE = ("expand block", 220)


@dataclass(frozen=True, slots=True)
class _Packing:
    """How weights lie: the kernel's suffix, the stream's maker and its words per pair of inputs and
    of channels, instructions per pair of inputs and per 2 channels, the block's name and bytes."""

    name: str
    stream: Callable[[Narrowed, np.ndarray], np.ndarray]
    words: int
    per_input: float
    per_block: float
    block: tuple[str, int]


PACKED = _Packing("packed", dense_stream, 1, 12.0, 52.0, ("dense block", 1070))
WIDE = _Packing("wide", wide_stream, 2, 11.0, 44.0, ("wide block", 980))


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a convolution's inputs come from, whatever weights are packed like: `runs` runs of
    `run` contiguous inputs for each of `pixels` outputs, `params` without the layer's, and bytes
    of `copies` in the scratch behind the expanded inputs; `around` are the instructions that find
    the inputs, `code` what does so."""

    kernel: str  # its kernels are called <kernel>_<packing>
    name: str
    params: dict[str, int]
    run: int
    runs: int
    pixels: int
    copies: int
    lead: int
    around: float
    code: tuple[str, int]


def conv_frame(op: Op, graph: Graph) -> Frame | None:
    """The frame of a CONV_2D of any stride and padding; None where it is dilated along rows of more
    than one line, in groups, or has one output channel."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    out_c, k_h, k_w, in_c = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    if window["dilation_w"] != 1 and source.shape[1] == output.shape[1] == k_h == 1:
        source, output, window = _turned(source), _turned(output), _turned_window(window)
    if in_c != source.shape[3] or window["dilation_w"] != 1 or out_c < 2:
        return None
    if _is_rows(window, source.shape, output.shape):
        return rows_frame(op, graph)
    return _windows_frame(source, output, in_c, window)


def _turned(tensor: Tensor) -> Tensor:
    """A single line as a column: the same bytes."""
    n, height, width, channels = tensor.shape
    return replace(tensor, shape=(n, width, height, channels))


def _turned_window(window: dict[str, int]) -> dict[str, int]:
    pairs = [(f"{key}_h", f"{key}_w") for key in ("k", "stride", "dilation")]
    pairs += [("pad_top", "pad_left")]
    other = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
    return {key: window[other.get(key, key)] for key in window}


def dense_form(op: Op, graph: Graph) -> tuple[np.ndarray, Frame]:
    """A convolution that is dilated or in groups, or depthwise, as one that is neither: weights
    (outputs, taps) with zeros in between, and their frame."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    assert weights.data is not None
    depthwise = op.kind == "DEPTHWISE_CONV_2D"
    data = weights.data.transpose(3, 1, 2, 0) if depthwise else weights.data
    out_c, k_h, k_w, k_c = data.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    dilation, in_c = window["dilation_w"], source.shape[3]
    window |= {"k_w": (k_w - 1) * dilation + 1, "dilation_w": 1}
    taps = np.zeros((out_c, k_h, window["k_w"], in_c), data.dtype)
    for c in range(out_c):
        first = c * (in_c // k_c) // out_c * k_c
        taps[c, :, ::dilation, first : first + k_c] = data[c]
    return taps.reshape(out_c, -1), _windows_frame(source, output, in_c, window)


def rows_frame(op: Op, graph: Graph) -> Frame | None:
    """The frame of a 1x1 convolution, or of FULLY_CONNECTED as one; None for one output channel,
    as kernels that take channels by pairs need two."""
    weights, output = graph.input_of(op, 1), graph.output_of(op)
    out_c, in_c = weights.shape[0], weights.shape[-1]
    if out_c < 2:
        return None
    rows = output.elements // out_c
    lead = max(ceil(rows / 4) - 1, 0) * 4 * max(out_c - in_c, 0)
    params = {"rows": rows, "in_c": in_c}
    code = ("rows packed", 200)
    return Frame("rows", "rows", params, in_c, 1, rows, 0, lead, rows_around(rows), code)


def _windows_frame(source: Tensor, output: Tensor, in_c: int, window: dict[str, int]) -> Frame:
    batches, in_h, in_w, _ = source.shape
    _, out_h, out_w, out_c = output.shape
    run = window["k_w"] * in_c
    padded = _padded_bytes(window, source.shape, output.shape)
    pads = padded > source.bytes // batches and padded <= LARGEST_PADDED
    shape = {"in_h": in_h, "in_w": in_w, "in_c": in_c, "out_h": out_h, "out_w": out_w}
    shape |= {key: value for key, value in window.items() if key != "dilation_w"}
    params = shape | {"in_zero_point": source.q.zero_point, "pad_input": int(pads)}
    # An input that is copied first may be written over wholly.
    lead = 0 if pads and batches == 1 else pixel_lead(shape, in_c, out_c)
    return Frame(
        "conv",
        "windows",
        params,
        run,
        window["k_h"],
        batches * out_h * out_w,
        padded if pads else 5 * run,
        lead,
        windows_around(params),
        ("conv packed", 600),
    )


def _uncopied(frame: Frame, out_c: int) -> Frame | None:
    """The frame of the same windows without a padded copy of the input: slower, with less scratch;
    None where there is no copy."""
    if not frame.params.get("pad_input"):
        return None
    params = frame.params | {"pad_input": 0}
    lead = pixel_lead(params, params["in_c"], out_c)
    around, copies = windows_around(params), 5 * frame.run
    return replace(frame, params=params, copies=copies, lead=lead, around=around)


@way_for("CONV_2D", "DEPTHWISE_CONV_2D")
def packed_conv(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Depthwise only of less than 4 channels."""
    weights, depthwise = graph.input_of(op, 1), op.kind == "DEPTHWISE_CONV_2D"
    assert weights.data is not None
    out_c, in_c = weights.shape[-1 if depthwise else 0], graph.input_of(op).shape[3]
    if depthwise and in_c >= FEW:
        return
    frame = None if depthwise else conv_frame(op, graph)
    taps = weights.data.reshape(out_c, -1)
    if frame is None:
        if in_c // weights.shape[3] > FEW:
            return
        taps, frame = dense_form(op, graph)
    layer = narrowed(op, graph, taps)
    if layer is not None:
        yield from _ways(op, layer, frame)


@way_for("FULLY_CONNECTED")
def packed_rows(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """As a 1x1 convolution over rows."""
    weights, frame = graph.input_of(op, 1), rows_frame(op, graph)
    assert weights.data is not None
    if frame is None:
        return
    layer = narrowed(op, graph, weights.data, float_product=not weights.q.per_channel)
    if layer is not None:
        yield from _ways(op, layer, frame)


def _is_rows(window: dict[str, int], source: tuple[int, ...], output: tuple[int, ...]) -> bool:
    ones = (window[key] for key in ("k_h", "k_w", "stride_h", "stride_w"))
    return all(one == 1 for one in ones) and source[:3] == output[:3]


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


def _ways(op: Op, layer: Narrowed, frame: Frame) -> Iterator[Way]:
    """One output channel is made the first of two, packed only: `ek_single_block`."""
    out_c = len(layer.weights)
    pairs = can_pair(layer.filled(2) if out_c == 1 else layer)
    for one in (frame, _uncopied(frame, out_c)):
        if one is not None and pairs:
            yield _way(op, layer, one, PACKED)
        if one is not None and out_c > 1:
            yield _way(op, layer, one, WIDE)


def _way(op: Op, layer: Narrowed, frame: Frame, packing: _Packing) -> Way:
    order, out_c = window_order(frame.runs, frame.run), len(layer.weights)
    layer = layer.filled(2) if out_c == 1 else layer
    scratch = 16 * len(order) + frame.copies

    def lower() -> KernelCall:
        return KernelCall(
            kernel=f"{frame.kernel}_{packing.name}",
            params=frame.params | {"layer": dense_layer(layer, order) | {"out_c": out_c}},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", packing.stream(layer, order)),),
            scratch_bytes=scratch,
            leads=((0, frame.lead),),
        )

    blocks, pairs, length = ceil(frame.pixels / 4), ceil(len(layer.weights) / 2), len(order)
    block = packing.per_block + PER_AWAY * layer.away + length * packing.per_input
    block += PER_SIXTEEN * max(ceil((length - 1) / 16), 1)
    words, rest = divmod(frame.run, 4)
    run = PER_RUN + words * PER_WORD + rest // 2 * PER_TWO + rest % 2 * PER_ONE
    return Way(
        name=f"{packing.name} {frame.name}",
        instructions=frame.around + blocks * (frame.runs * run + pairs * block),
        flash_bytes=4 * pairs * (length * packing.words + 6),
        scratch_bytes=scratch,
        code=(frame.code, EXPAND_CODE, (f"{packing.block[0]} {layer.away}", packing.block[1])),
        lower=lower,
        lead=frame.lead,
    )
