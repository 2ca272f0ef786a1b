# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, and FULLY_CONNECTED of many rows, over single weights that are not zero: two bytes each,
the weight and how far its input is from the last one's."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np

from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.ways.dense_conv import Frame, conv_frame, dense_layer, rows_frame
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.pack import channel_pairs, wrap32
from edgekit.lower.ways.sparse_pack import UNROLL, with_gaps
from edgekit.lower.ways.way import Way, way_for
from edgekit.tflite.graph import Graph, Op

FARTHEST = 31  # inputs from one weight to the next: eight bytes each
# Counted in firmware/runtime/ek_delta_block.h: instructions per entry of two weights, per turn of
# the unrolled loop, per channel; per expanded byte, and per block of 4 pixels outside of it.
PER_ENTRY, PER_TURN, PER_CHANNEL, PER_BYTE, PER_FOUR = 16.0, 2.0, 43.0, 2.1, 90.0
BLOCK_CODE, EXPAND_CODE = ("delta block", 690), ("expand single", 200)
DENSEST = 0.8


@way_for("CONV_2D", "FULLY_CONNECTED")
def sparse_single(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """What `packed_conv` and `packed_rows` can run, of two output channels or more."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    if np.count_nonzero(weights.data) > DENSEST * weights.elements or len(weights.data) < 2:
        return
    dense = op.kind == "FULLY_CONNECTED"
    frame = rows_frame(op, graph) if dense else conv_frame(op, graph)
    flat = weights.data.reshape(len(weights.data), -1)
    layer = narrowed(op, graph, flat, float_product=dense and not weights.q.per_channel)
    if frame is not None and layer is not None:
        yield _way(op, layer, frame)


def _way(op: Op, layer: Narrowed, frame: Frame) -> Way:
    taps = layer.weights.shape[1]
    rows = ceil(taps / 2)  # of four words, which is what `inputs` counts

    def lower() -> KernelCall:
        params = frame.params | {"layer": dense_layer(layer, np.empty((rows, 2)))}
        return KernelCall(
            kernel=f"{frame.kernel}_single",
            params=params,
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", single_stream(layer)),),
            scratch_bytes=16 * rows + frame.copies,
            leads=((0, frame.lead),),
        )

    counts = np.array([len(_places(row)) // 2 for row in layer.weights[_channels(layer)]])
    turns = int((-(-counts // UNROLL)).sum())
    blocks = ceil(frame.pixels / 4)
    work = counts.sum() * PER_ENTRY + turns * PER_TURN + len(counts) * PER_CHANNEL
    return Way(
        name=f"single {frame.name}",
        instructions=float(blocks * (PER_FOUR + 4 * taps * PER_BYTE + work)),
        flash_bytes=4 * int((counts + 4).sum()),
        scratch_bytes=16 * rows + frame.copies,
        code=(frame.code, EXPAND_CODE, (f"{BLOCK_CODE[0]} {layer.away}", BLOCK_CODE[1])),
        lower=lower,
        lead=frame.lead,
    )


def _channels(layer: Narrowed) -> list[int]:
    """In pairs, as the kernels write them."""
    return [channel for pair in channel_pairs(len(layer.weights)) for channel in pair]


def _places(weights: np.ndarray) -> list[int]:
    """Inputs of the entries' weights, an even number; the last may be there twice."""
    places = with_gaps(np.flatnonzero(weights), FARTHEST)
    return places + places[-1:] if len(places) % 2 else places


def single_stream(layer: Narrowed) -> np.ndarray:
    """The stream of `ek_delta_block`, int32."""
    parts: list[int] = []
    for channel in _channels(layer):
        weights, places = layer.weights[channel], _places(layer.weights[channel])
        moves = np.diff([0, *places]) * 8
        seen = np.concatenate([[True], moves[1:] > 0]) if places else np.empty(0, bool)
        values = weights[places] * seen & 0xFF if places else np.empty(0, np.int64)
        halves = (values | moves << 8).reshape(-1, 2)
        entries = halves[:, 0] | halves[:, 1] << 16
        left = -len(entries) % UNROLL if len(entries) else UNROLL
        parts += [left | 4 * (len(entries) + 1) << 4, int(layer.bias[channel])]
        parts += [*entries.tolist(), int(layer.high[channel]), int(layer.factor[channel])]
    return wrap32(np.array(parts, np.int64))
