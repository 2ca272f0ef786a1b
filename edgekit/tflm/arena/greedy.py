# SPDX-License-Identifier: Apache-2.0
"""TFLM's GreedyMemoryPlanner: which offset each buffer gets, and how much memory that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Buffer:
    """What needs memory from time `first` to `last`, both included; `bytes` is aligned.

    `fixed` is the offset that the file gives it, None where the planner finds one. `op` is set
    for a scratch buffer: the index of the op that needs it.
    """

    name: str
    bytes: int
    first: int
    last: int
    fixed: int | None = None
    op: int | None = None


def place(buffers: Sequence[Buffer]) -> list[int]:
    """Offset of each buffer: largest first (of equals the one added last), into the lowest gap.

    As in memory_planner/greedy_memory_planner.cc. Fixed ones come before all others. A gap is
    searched among the buffers that live at the same time, in the order of their offsets.
    """
    order = [i for i, buffer in enumerate(buffers) if buffer.fixed is not None]
    free = [i for i, buffer in enumerate(buffers) if buffer.fixed is None]
    order += sorted(free, key=lambda i: (-buffers[i].bytes, -i))
    offsets = [0] * len(buffers)
    placed: list[int] = []
    for index in order:
        fixed = buffers[index].fixed
        gap = _lowest_gap(buffers[index], buffers, placed, offsets)
        offsets[index] = gap if fixed is None else fixed
        behind = next(
            (at for at, other in enumerate(placed) if offsets[other] > offsets[index]), len(placed)
        )
        placed.insert(behind, index)
    return offsets


def _lowest_gap(
    wanted: Buffer, buffers: Sequence[Buffer], placed: Sequence[int], offsets: Sequence[int]
) -> int:
    end = 0
    for other in placed:
        neighbour = buffers[other]
        if neighbour.first > wanted.last or wanted.first > neighbour.last:
            continue
        if offsets[other] - end >= wanted.bytes:
            break
        end = max(end, offsets[other] + neighbour.bytes)
    return end


def total_bytes(buffers: Sequence[Buffer], offsets: Sequence[int]) -> int:
    """End of the highest buffer."""
    return max((at + b.bytes for at, b in zip(offsets, buffers, strict=True)), default=0)
