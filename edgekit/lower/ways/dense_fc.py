# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED row by row over packed channel pairs, eight channels at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.pack import (
    NOTHING,
    can_pair,
    finish_words,
    run_order,
    start_words,
    weight_words,
)
from edgekit.lower.ways.way import Way, way_for
from edgekit.tflite.graph import Graph, Op

GROUP = 8
# Counted in firmware/runtime/ek_fc_block.h: per word of inputs and group of 8 channels, per group,
# per expanded byte, per row.
PER_INPUT, PER_GROUP, PER_BYTE, PER_ROW = 14.9, 60.0, 2.0, 80.0
PER_GROUP_ONE = 57.0  # where all channels are narrowed alike
CODE = ("fc packed", 250)
BLOCK_CODE = 700


@way_for("FULLY_CONNECTED")
def packed_fc(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any depth and any number of channels; those that fill up the last group have weights 0."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    layer = narrowed(op, graph, weights.data, float_product=not weights.q.per_channel)
    if layer is None or not can_pair(layer.filled(GROUP)):
        return
    out_c, depth = weights.shape
    order = fc_order(depth)
    rows = graph.input_of(op).elements // depth
    scratch = 4 * len(order) + GROUP
    one = _narrowed_alike(layer)

    def lower() -> KernelCall:
        shape = {"rows": rows, "depth": depth, "out_c": out_c, "inputs": len(order)}
        return KernelCall(
            kernel="fc_packed",
            params=shape | layer.params() | _one_params(layer, one=one),
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", fc_stream(layer, order, one=one)),),
            scratch_bytes=scratch,
            in_place=(0,) if rows == 1 and out_c <= depth else (),
        )

    groups, per_group = -(-out_c // GROUP), PER_GROUP_ONE if one else PER_GROUP
    yield Way(
        name="packed row",
        instructions=rows
        * (PER_ROW + PER_BYTE * depth + groups * (per_group + len(order) * PER_INPUT)),
        flash_bytes=4 * groups * (4 * len(order) + (8 if one else 24)),
        scratch_bytes=scratch,
        code=(CODE, (f"fc block {layer.away} {one}", BLOCK_CODE)),
        lower=lower,
        lead=0 if rows == 1 and out_c <= depth else None,
    )


def _narrowed_alike(layer: Narrowed) -> bool:
    """Whether one pair of constants narrows all channels, as with one scale for all weights."""
    return all(len(np.unique(values)) == 1 for values in (layer.high, layer.factor))


def _one_params(layer: Narrowed, *, one: bool) -> dict[str, int]:
    high, scale = finish_words(layer, 0, 0)[:2] if one else (0, 0)
    return {"one": int(one), "narrow_high": int(high), "narrow_scale": int(scale)}


def fc_order(depth: int) -> np.ndarray:
    """Input positions in the lanes of each word of a row, an even number of words, (words, 2)."""
    order = run_order(depth)
    return np.array([*order, *[(NOTHING, NOTHING)] * (len(order) % 2)], np.int64)


def fc_stream(layer: Narrowed, order: np.ndarray, *, one: bool) -> np.ndarray:
    """The stream of `ek_fc_block`, int32; with `one` nothing in it says how to narrow."""
    full = layer.filled(GROUP)
    parts = []
    for first in range(0, len(full.weights), GROUP):
        pairs = [(c, c + 1) for c in range(first, first + GROUP, 2)]
        parts += [start_words(full, a, b) for a, b in pairs]
        parts.append(np.stack([weight_words(full, a, b, order) for a, b in pairs], 1).reshape(-1))
        parts += [] if one else [finish_words(full, a, b) for a, b in pairs]
    return np.concatenate(parts)
