# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, and FULLY_CONNECTED of many rows, over the packed words that are not zero.

Words of two neighbouring inputs of two output channels: what blocks of 2x2 make zero is neither
stored nor multiplied. Or words of any two out of four inputs, for patterns like 2:4 that a pair of
channels shares; the inputs then take three times the scratch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.ways.dense_conv import Frame, conv_frame, dense_layer, rows_frame
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.pack import can_pair
from edgekit.lower.ways.sparse_pack import (
    UNROLL,
    entry_count,
    kept_pairs_of_four,
    kept_words,
    pairs_order,
    runs_order,
    six_order,
    sparse_stream,
    stream_words,
    used_inputs,
)
from edgekit.lower.ways.way import Way, way_for
from edgekit.tflite.graph import Graph, Op

# Counted in firmware/runtime/ek_sparse_block.h and ek_expand_pairs.h, instructions and cycles of a
# Cortex-M4: per entry, per turn of the unrolled loop, per block of 4 pixels and 2 channels, per
# expanded byte (neighbours, six pairs).
PER_ENTRY, PER_TURN, PER_BLOCK = 14.0, 3.0, 68.0
PER_BYTE = {False: 1.75, True: 3.8}
BLOCK_CODE = ("sparse block", 700)
EXPAND_CODE = {False: ("expand pairs", 280), True: ("expand six", 260)}
DENSEST = 0.9  # of the words: more are never worth it


@dataclass(frozen=True, slots=True, eq=False)
class _Form:
    """A layer's words in one of the two orders: which are kept, and entries per channel pair."""

    six: bool
    order: np.ndarray
    kept: np.ndarray
    counts: np.ndarray


@way_for("CONV_2D")
def sparse_conv(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """What `packed_conv` can run, where a tenth of the words or more are zero."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    if 2 * np.count_nonzero(weights.data) > 1.9 * weights.elements:
        return
    frame = conv_frame(op, graph)
    if frame is None:
        return
    layer = narrowed(op, graph, weights.data.reshape(len(weights.data), -1))
    if layer is not None and can_pair(layer):
        yield from _ways(op, layer, frame)


@way_for("FULLY_CONNECTED")
def sparse_rows(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """As a 1x1 convolution over rows."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    frame = rows_frame(op, graph)
    if frame is None:
        return
    layer = narrowed(op, graph, weights.data, float_product=not weights.q.per_channel)
    if layer is not None and can_pair(layer):
        yield from _ways(op, layer, frame)


def _ways(op: Op, layer: Narrowed, frame: Frame) -> Iterator[Way]:
    pairs = _form(layer, frame, six=False)
    if pairs.kept.mean() <= DENSEST:
        yield _way(op, layer, frame, pairs)
    six = _form(layer, frame, six=True)
    if six.counts.sum() < DENSEST * pairs.counts.sum() and 2 * six.kept.mean() <= DENSEST:
        yield _way(op, layer, frame, six)


def _form(layer: Narrowed, frame: Frame, *, six: bool) -> _Form:
    once = (six_order if six else pairs_order)(frame.run)
    order = runs_order(once, frame.runs, frame.run)
    used = used_inputs(layer)
    kept = kept_pairs_of_four(used, frame.runs, frame.run) if six else kept_words(used, order)
    return _Form(six, order, kept, entry_count(kept))


def _way(op: Op, layer: Narrowed, frame: Frame, form: _Form) -> Way:
    def lower() -> KernelCall:
        params = frame.params | {"layer": dense_layer(layer, form.order)}
        return KernelCall(
            kernel=f"{frame.kernel}_sparse",
            params={"six": int(form.six), frame.kernel: params},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", sparse_stream(layer, form.order, form.kept)),),
            scratch_bytes=16 * len(form.order) + frame.copies,
            leads=((0, frame.lead),),
        )

    blocks = ceil(frame.pixels / 4)
    turns = int((-(-form.counts // UNROLL)).sum())
    expanded = frame.around + blocks * 4 * frame.run * frame.runs * PER_BYTE[form.six]
    work = form.counts.sum() * PER_ENTRY + turns * PER_TURN + len(form.counts) * PER_BLOCK
    return Way(
        name=f"{'2 of 4' if form.six else '2x2'} {frame.name}",
        instructions=float(expanded + blocks * work),
        flash_bytes=4 * stream_words(form.counts),
        scratch_bytes=16 * len(form.order) + frame.copies,
        code=(
            frame.code,
            EXPAND_CODE[form.six],
            (f"{BLOCK_CODE[0]} {layer.away}", BLOCK_CODE[1]),
        ),
        lower=lower,
        lead=frame.lead,
    )
