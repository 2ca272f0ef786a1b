# SPDX-License-Identifier: Apache-2.0
"""One way for each op: the fastest, the smallest, or what is worth its bytes."""

from __future__ import annotations

from edgekit.lower.program import Target
from edgekit.lower.ways import Way, ways_of
from edgekit.tflite.graph import Graph, Op

# What one KiB of flash or scratch is worth to `balanced`: a part of the op's time at best.
BALANCED_PER_KIB = 0.01


def choose_way(op: Op, graph: Graph, target: Target) -> Way:
    """The way that `target.optimize` asks for: `speed` the fewest instructions, `size` the fewest
    bytes of flash, `balanced` the fewest instructions, each KiB counted as 1 % of the best."""
    ways = ways_of(op, graph, target)
    if target.optimize == "size":
        return min(ways, key=lambda way: (_bytes(way), way.instructions))
    best = min(way.instructions for way in ways)
    per_byte = best * BALANCED_PER_KIB / 1024 if target.optimize == "balanced" else 0.0
    return min(ways, key=lambda way: way.instructions + per_byte * _bytes(way))


def _bytes(way: Way) -> int:
    return way.flash_bytes + way.scratch_bytes + sum(size for _, size in way.code) // 4
