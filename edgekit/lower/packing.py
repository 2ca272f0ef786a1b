# SPDX-License-Identifier: Apache-2.0
"""Buffers with lifetimes into as few bytes as can be found: several orders, then small changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ALIGN_BYTES = 8  # an int64 tensor is the widest
# Pairs of buffers compared in the search for a better order: bounds its time to about a second.
_MOST_PAIRS = 500_000
_MOST_TRIES = 150


@dataclass(slots=True, eq=False)
class Buffer:
    """A stretch of arena used by one or more tensors (or one op's scratch), op `first`..`last`."""

    bytes: int
    first: int
    last: int
    tensors: list[int]
    offset: int = 0


# (id of an output's buffer, id of its dying input's) -> bytes by which the first must begin
# before the second to lie over it; SAME where it must begin just where the second does.
SAME = -1
Leads = dict[tuple[int, int], int]
_Order = Callable[[Buffer], tuple[int, ...]]

_ORDERS: tuple[_Order, ...] = (
    lambda b: (-b.bytes, b.first),
    lambda b: (b.first - b.last, -b.bytes),
    lambda b: (-b.bytes * (b.last - b.first + 1), b.first),
    lambda b: (b.first, -b.bytes),
    lambda b: (-b.last, -b.bytes),
)


def aligned(value: int) -> int:
    return (value + ALIGN_BYTES - 1) // ALIGN_BYTES * ALIGN_BYTES


def best_packing(buffers: Sequence[Buffer], leads: Leads, *, search: bool) -> int:
    """Gives every buffer its offset in the smallest packing found; the bytes it needs.

    Each order with first fit and with best fit; with `search`, then swaps in the best of them as
    long as it is above what some op needs at least. The same buffers give the same packing.
    """
    orders = [(sorted(buffers, key=order), tight) for order in _ORDERS for tight in (False, True)]
    sizes = [_place(order, leads, tight) for order, tight in orders]
    best = min(sizes)
    order, tight = orders[sizes.index(best)]
    least = _least(buffers, leads)
    dice = random.Random(len(buffers))
    tries = min(_MOST_TRIES, _MOST_PAIRS // (len(buffers) ** 2 + 1)) if search else 0
    top = _top(order) if _place(order, leads, tight) else 0
    for turn in range(tries):
        if best <= least or len(order) < 2:
            break
        trial = _moved(order, top, dice) if turn % 2 == 0 else _swapped(order, dice)
        size = _place(trial, leads, tight)
        if size <= best:  # sideways as well: the way to a better one may be level
            best, order, top = size, trial, _top(trial)
    return _place(order, leads, tight)


def _top(order: Sequence[Buffer]) -> int:
    """Position in `order` of the buffer that ends last in the packing just made."""
    return max(range(len(order)), key=lambda i: order[i].offset + order[i].bytes)


def _moved(order: Sequence[Buffer], top: int, dice: random.Random) -> list[Buffer]:
    """With the buffer that ends last placed earlier."""
    trial = [*order[:top], *order[top + 1 :]]
    trial.insert(dice.randrange(top + 1), order[top])
    return trial


def _swapped(order: Sequence[Buffer], dice: random.Random) -> list[Buffer]:
    trial = list(order)
    a, b = dice.sample(range(len(order)), 2)
    trial[a], trial[b] = trial[b], trial[a]
    return trial


def _place(order: Sequence[Buffer], leads: Leads, tight: bool) -> int:
    """One packing: each buffer goes, in `order`, into the first gap that takes it, or into the
    tightest. Returns the bytes used."""
    placed: list[Buffer] = []
    for buffer in order:
        shut = sorted(
            span
            for other in placed
            if other.first <= buffer.last and buffer.first <= other.last
            for span in _shut(buffer, other, leads)
        )
        buffer.offset = _fit(shut, tight)
        placed.append(buffer)
    return max((buffer.offset + buffer.bytes for buffer in placed), default=0)


def _shut(buffer: Buffer, other: Buffer, leads: Leads) -> list[tuple[int, int]]:
    """Offsets strictly between such two are not possible for `buffer` beside `other`."""
    below, above = buffer.bytes, other.bytes
    over, under = leads.get((id(buffer), id(other))), leads.get((id(other), id(buffer)))
    if SAME in (over, under):
        start = other.offset
        return [(start - below, start), (start, start + above)]
    if over is not None:
        below = min(below, over)
    if under is not None:
        above = min(above, under)
    return [(other.offset - below, other.offset + above)]


def _fit(shut: Sequence[tuple[int, int]], tight: bool) -> int:
    """Lowest aligned offset that is not shut; if `tight`, that with the least room behind it."""
    offset, found = 0, []
    for start, end in shut:
        if offset <= start:
            found.append((start - offset, offset))
        offset = max(offset, aligned(end))
    if not found:
        return offset
    return min(found)[1] if tight else found[0][1]


def _least(buffers: Sequence[Buffer], leads: Leads) -> int:
    """Bytes below which no packing can be: the most that lives at once, less what may overlap."""
    by_id = {id(buffer): buffer for buffer in buffers}
    moments = {buffer.first for buffer in buffers}
    need = {m: sum(b.bytes for b in buffers if b.first <= m <= b.last) for m in moments}
    for (output, source), lead in leads.items():
        a, b = by_id[output], by_id[source]
        together = max(a.bytes, aligned(lead) + b.bytes)
        need[a.first] -= max(a.bytes + b.bytes - together, 0)
    return max(need.values(), default=0)
