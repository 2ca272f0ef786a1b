# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED row by row over the weight words that are not zero, eight or four channels at a
time: blocks of 8x2 or 4x2 (outputs x inputs) of zeros are neither stored nor multiplied."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.pack import can_pair, finish_words, start_words, weight_words, wrap32
from edgekit.lower.ways.sparse_conv import DENSEST
from edgekit.lower.ways.sparse_pack import pairs_order, with_gaps
from edgekit.lower.ways.way import Way, way_for
from edgekit.tflite.graph import Graph, Op

GROUP = 4  # entries whose bytes share a word
FARTHEST = 63  # words of x from one entry to the next
# Counted in firmware/runtime/ek_fc_sparse_block.h, by channels abreast: instructions per entry and
# per group of channels. Per group of entries, per expanded byte, per row.
PER_ENTRY, PER_CHANNELS = {8: 17.0, 4: 10.0}, {8: 66.0, 4: 44.0}
PER_TURN, PER_BYTE, PER_ROW = 2.0, 2.3, 80.0
BLOCK_CODE = {8: 560, 4: 360}
CODE = ("fc sparse", 260)


@way_for("FULLY_CONNECTED")
def sparse_fc(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any depth and any number of channels; those that fill up the last group have weights 0."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    if np.count_nonzero(weights.data) > DENSEST * weights.elements:
        return
    layer = narrowed(op, graph, weights.data, float_product=not weights.q.per_channel)
    for abreast in (8, 4):
        if layer is not None and can_pair(layer.filled(abreast)):
            kept = kept_words(layer.filled(abreast), abreast)
            if kept.mean() <= DENSEST:
                yield _way(op, graph, layer, abreast, kept)


def kept_words(layer: Narrowed, abreast: int) -> np.ndarray:
    """Booleans (groups of channels, words of a row): whether one of the group has a weight."""
    depth = layer.weights.shape[1]
    used = np.any(layer.weights.reshape(-1, abreast, depth) != 0, axis=1)
    even = np.concatenate([used, np.zeros((len(used), depth % 2), bool)], axis=1)
    return np.asarray(even.reshape(len(used), -1, 2).any(axis=2))


def _way(op: Op, graph: Graph, layer: Narrowed, abreast: int, kept: np.ndarray) -> Way:
    out_c, depth = layer.weights.shape
    rows = graph.input_of(op).elements // depth
    scratch = 4 * kept.shape[1] + 8
    lead = 0 if rows == 1 and out_c <= depth else None

    def lower() -> KernelCall:
        params = {"rows": rows, "depth": depth, "out_c": out_c, "abreast": abreast}
        return KernelCall(
            kernel="fc_sparse",
            params=params | layer.params(),
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", fc_sparse_stream(layer, abreast, kept)),),
            scratch_bytes=scratch,
            in_place=(0,) if lead == 0 else (),
        )

    counts = np.array([len(with_gaps(np.flatnonzero(row), FARTHEST)) for row in kept])
    turns = -(-counts // GROUP)
    work = counts.sum() * PER_ENTRY[abreast] + turns.sum() * PER_TURN
    words = counts.sum() * abreast // 2 + turns.sum() + len(kept) * (3 * abreast + 2)
    return Way(
        name=f"{abreast}x2 row",
        instructions=float(
            rows * (PER_ROW + PER_BYTE * depth + work + len(kept) * PER_CHANNELS[abreast])
        ),
        flash_bytes=4 * int(words),
        scratch_bytes=scratch,
        code=(CODE, (f"fc sparse {abreast} {layer.away}", BLOCK_CODE[abreast])),
        lower=lower,
        lead=lead,
    )


def fc_sparse_stream(layer: Narrowed, abreast: int, kept: np.ndarray) -> np.ndarray:
    """The stream of `ek_fc_sparse_block`, int32."""
    full = layer.filled(abreast)
    order = np.array(pairs_order(layer.weights.shape[1]), np.int64)
    parts = []
    for group, row in enumerate(kept):
        first = group * abreast
        pairs = [(c, c + 1) for c in range(first, first + abreast, 2)]
        words = np.stack([weight_words(full, a, b, order) for a, b in pairs], 1)
        parts += [start_words(full, a, b) for a, b in pairs]
        parts.append(wrap32(np.array(_entries(words, row), np.int64)))
        parts += [finish_words(full, a, b) for a, b in pairs]
    return np.concatenate(parts)


def _entries(words: np.ndarray, row: np.ndarray) -> list[int]:
    """Header and entries of one group of channels; `words` is (words of a row, pairs)."""
    places = with_gaps(np.flatnonzero(row), FARTHEST)
    moves = np.diff([0, *places]) * 4
    left = -len(places) % GROUP if places else GROUP
    padded = [0] * (left % GROUP) + [int(move) for move in moves]
    turns = [
        sum(move << 8 * i for i, move in enumerate(padded[at : at + GROUP]))
        for at in range(0, len(padded), GROUP)
    ]
    out = [left, *(turns[:1] or [0])]
    nexts = iter([*turns[1:], 0])
    for at, place in enumerate(places, left):
        values = [int(word) for word in words[place] * row[place]]
        out += values[:-2] + ([next(nexts)] if at % GROUP == GROUP - 1 else []) + values[-2:]
    return out
