# SPDX-License-Identifier: Apache-2.0
"""Blocks of zeros that removing single channels would tear: which channels lie in one block.

Weights pruned in blocks of neighbouring channels are skipped block by block (lower/ways/sparse_*).
Where a channel in the middle of a block goes, all behind it move up and no block is one any more.
"""

from __future__ import annotations

import numpy as np

from edgekit.lower.passes.ranges import channels_of
from edgekit.tflite.graph import Graph, Op

DENSE = 0.85  # of the weights: with more of them there is nothing to skip
TORN = 1.25  # a block with any weight counts whole; more than so many times the weights is no block
OUTPUTS, INPUTS = (8, 4, 2), (2,)


def channels_together(graph: Graph) -> dict[int, int]:
    """Tensor index -> how many neighbouring channels, counted from 0, stay or go together."""
    found: dict[int, int] = {}
    for op in graph.ops:
        for index, together in _of(op, graph):
            found[index] = max(found.get(index, 1), together)
    return found


def _of(op: Op, graph: Graph) -> list[tuple[int, int]]:
    if op.kind not in ("CONV_2D", "FULLY_CONNECTED"):
        return []
    weights = graph.input_of(op, 1).data
    if weights is None or weights.size == 0:
        return []
    used = weights != 0
    rows = used.reshape(len(used), -1)
    # Channels without any weight are no blocks: they go whatever the others are.
    live = rows[rows.any(axis=1)][:, rows.any(axis=0)]
    if not live.size or live.mean() > DENSE:
        return []
    found = [(op.outputs[0], _largest(rows, OUTPUTS))]
    if used.shape[-1] == channels_of(graph.input_of(op)):
        columns = np.moveaxis(used, -1, 0).reshape(used.shape[-1], -1)
        found.append((op.inputs[0], _largest(columns, INPUTS)))
    return found


def _largest(used: np.ndarray, sides: tuple[int, ...]) -> int:
    """The most channels (rows of `used`) that are zero together."""
    for side in sides:
        filled = np.concatenate([used, np.zeros((-len(used) % side, used.shape[1]), bool)])
        blocks = filled.reshape(-1, side, used.shape[1]).any(axis=1)
        if blocks.sum() * side < TORN * used.sum():
            return side
    return 1


def whole_groups(mask: np.ndarray, together: int) -> np.ndarray:
    """`mask` with every group of `together` channels whole in which one is kept."""
    filled = np.concatenate([mask, np.zeros(-len(mask) % together, bool)])
    groups = filled.reshape(-1, together).any(axis=1)
    return np.asarray(groups.repeat(together)[: len(mask)])
