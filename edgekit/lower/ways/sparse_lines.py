# SPDX-License-Identifier: Apache-2.0
"""CONV_2D over the packed words that are not zero, its input expanded row by row into lines
(firmware/runtime/ek_conv_lines.h): no window is put together, so few entries cost little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.pack import NOTHING, can_pair, channel_pairs, lane_words
from edgekit.lower.ways.sparse_conv import DENSEST, PER_BLOCK, PER_ENTRY, PER_TURN
from edgekit.lower.ways.sparse_pack import (
    MOST_SKIPPED,
    UNROLL,
    kept_words,
    stream_of,
    stream_words,
    used_inputs,
    with_gaps,
)
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

# Counted in firmware/runtime/ek_conv_lines.h: instructions per call of the block, per expanded
# byte, per four columns of a row, per moved word.
PER_CALL, PER_BYTE, PER_COLUMNS, PER_MOVED = 45.0, 1.9, 75.0, 2.3
BLOCK_CODE, CODE = ("sparse lines", 730), ("conv lines", 750)
LEAST_WIDTH = 4  # outputs of a row: the last four overlap those before them


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """How rows lie in the scratch, and which words of the weights are where: `order` are the taps
    of each word's lanes, `places` the words from a block's first pixel to its input, rising."""

    shape: dict[str, int]
    pitch: int
    order: np.ndarray
    places: np.ndarray

    @property
    def row_words(self) -> int:
        return ceil(self.shape["in_c"] / 2) * self.shape["stride_w"] * self.pitch


@way_for("CONV_2D")
def sparse_lines(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Windows of more than one tap and any stride and padding; no dilation, no groups, at least 2
    output channels and 4 columns of them."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    out_c, k_h, k_w, in_c = weights.shape
    assert weights.data is not None
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    dilated = window["dilation_w"] != 1 or window["dilation_h"] != 1
    narrow = out_c < 2 or output.shape[2] < LEAST_WIDTH or k_h * k_w == 1
    if in_c != source.shape[3] or dilated or narrow:
        return
    if np.count_nonzero(weights.data) > DENSEST * weights.elements:
        return
    layer = narrowed(op, graph, weights.data.reshape(out_c, -1))
    if layer is None or not can_pair(layer):
        return
    lines = _lines(source.shape, output.shape, window)
    kept = kept_words(used_inputs(layer), lines.order)
    if kept.mean() <= DENSEST:
        for slots in sorted({k_h, k_h + 3 * window["stride_h"]}):
            yield _way(op, layer, lines, kept, slots)


def _lines(source: tuple[int, ...], output: tuple[int, ...], window: dict[str, int]) -> _Lines:
    stride, k_h, k_w, in_c = window["stride_w"], window["k_h"], window["k_w"], source[3]
    columns = (output[2] - 1) * stride + k_w
    pitch = ceil(ceil(columns / stride) / 4) * 4
    shape = {"in_h": source[1], "in_w": source[2], "in_c": in_c}
    shape |= {"out_h": output[1], "out_w": output[2]}
    shape |= {k: value for k, value in window.items() if not k.startswith("dilation")}
    ky, pair, kx = np.meshgrid(
        np.arange(k_h), np.arange(ceil(in_c / 2)), np.arange(k_w), indexing="ij"
    )
    places = ((ky * ceil(in_c / 2) + pair) * stride + kx % stride) * pitch + kx // stride
    first = (ky * k_w + kx) * in_c + 2 * pair
    second = np.where(2 * pair + 1 < in_c, first + 1, NOTHING)
    rising = np.argsort(places, axis=None)
    order = np.stack([first.ravel(), second.ravel()], axis=1)[rising]
    return _Lines(shape, pitch, order, places.ravel()[rising])


def _way(op: Op, layer: Narrowed, lines: _Lines, kept: np.ndarray, slots: int) -> Way:
    shape = lines.shape
    scratch = 4 * slots * lines.row_words + shape["in_c"]
    lead = _lead(shape, len(layer.weights)) if shape["batches"] == 1 else None

    def lower() -> KernelCall:
        params = shape | {"in_zero_point": layer.in_zero_point}
        params |= {"pitch": lines.pitch, "slots": slots}
        inner = {"inputs": 0, "out_c": len(layer.weights)} | layer.params()
        return KernelCall(
            kernel="conv_lines",
            params=params | {"layer": inner},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", lines_stream(layer, lines.order, lines.places, kept)),),
            scratch_bytes=scratch,
            leads=() if lead is None else ((0, lead),),
        )

    counts = np.array([len(with_gaps(lines.places[row], MOST_SKIPPED)) for row in kept])
    return Way(
        name="2x2 lines",
        instructions=shape["batches"] * _instructions(lines, counts, slots),
        flash_bytes=4 * stream_words(counts),
        scratch_bytes=scratch,
        code=(CODE, ("expand lines", 250), (f"{BLOCK_CODE[0]} {layer.away}", BLOCK_CODE[1])),
        lower=lower,
        lead=lead,
    )


def _instructions(lines: _Lines, counts: np.ndarray, slots: int) -> float:
    shape = lines.shape
    rows = min(shape["stride_h"], shape["k_h"]) * (shape["out_h"] - 1) + shape["k_h"]
    fours = rows * shape["stride_w"] * lines.pitch / 4
    expanded = fours * (PER_COLUMNS + 4 * shape["in_c"] * PER_BYTE)
    held = max(shape["k_h"] - shape["stride_h"], 0)
    moves = (rows - shape["k_h"]) / max(slots - held, 1)
    moved = moves * held * lines.row_words * PER_MOVED
    turns = int((-(-counts // UNROLL)).sum())
    block = counts.sum() * PER_ENTRY + turns * PER_TURN + len(counts) * PER_BLOCK
    blocks = shape["out_h"] * ceil(shape["out_w"] / 4)
    return float(expanded + moved + blocks * (PER_CALL + block))


def _lead(shape: dict[str, int], out_c: int) -> int:
    """Most by which the outputs of all rows so far end behind the first input row still to be
    read."""
    lead = 0
    for row in range(shape["out_h"] - 1):
        written = (row + 1) * shape["out_w"] * out_c
        unread = min(row * shape["stride_h"] - shape["pad_top"] + shape["k_h"], shape["in_h"])
        lead = max(lead, written - max(unread, 0) * shape["in_w"] * shape["in_c"])
    return lead


def lines_stream(
    layer: Narrowed, order: np.ndarray, places: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """The stream of `ek_sparse_lines`, int32."""
    entries = []
    for (a, b), row in zip(channel_pairs(len(layer.weights)), kept, strict=True):
        both = np.append(256 * layer.weights[a] + layer.weights[b], 0)
        words = lane_words(both[order[:, 0]], both[order[:, 1]])
        at = dict(zip(places[row].tolist(), words[row].tolist(), strict=True))
        stops = with_gaps(places[row], MOST_SKIPPED)
        gaps = np.diff([0, *stops]).tolist()
        entries.append([(gap, at.get(stop, 0)) for gap, stop in zip(gaps, stops, strict=True)])
    return stream_of(layer, entries)
