# SPDX-License-Identifier: Apache-2.0
"""One way for each op: the fastest, the smallest, or what is worth its bytes.

The arena of a plan is about its most crowded op: what is alive there and the scratch of its way. So
a choice is made for every arena size that some way asks for: below that cap each op takes the way
that costs least. The most promising of these are planned, and by their true arenas the cheapest
wins of those that fit.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.lower.planned import Choice, Option, Planner
from edgekit.lower.program import Target
from edgekit.lower.ways import PORTABLE, Way
from edgekit.tflite.graph import Graph, Op

# What one KiB of flash and of RAM may cost, as a part of the fastest choice's instructions.
PRICES = {"speed": (0.0, 0.0), "balanced": (0.007, 0.025), "size": (0.02, 0.07)}
DEARER = 4.0  # step of the price of flash while a choice does not fit the board
STEPS = 12
USERS = 4  # layers that are expected to share code
MOVES_NOTHING = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE")


def choose_ways(ways: Sequence[Sequence[Way]], graph: Graph, target: Target) -> list[Way]:
    """A way for each op of `graph` out of its `ways`, as `target.optimize` asks and, where that
    can be, within `target.flash_bytes` and `target.ram_bytes`."""
    fastest = sum(min(way.instructions for way in some) for some in ways)
    flash_price, ram_price = (price * fastest / 1024 for price in PRICES[target.optimize])
    lives = _lives(graph)
    planner = Planner(graph, ram_price, target.ram_bytes)
    chosen: list[Way] = []
    for _ in range(STEPS):
        options = [
            [Option(way, way.instructions + flash_price * _flash(way), live(way)) for way in some]
            for some, live in zip(ways, lives, strict=True)
        ]
        chosen = planner.best(_choices(options), options)
        if not target.flash_bytes or flash_of(chosen) <= target.flash_bytes:
            break
        flash_price = max(flash_price * DEARER, fastest / 1e8)
    return chosen


def flash_of(ways: Sequence[Way]) -> int:
    """Bytes of weights, constants and code; code is counted once."""
    code = dict(part for way in ways for part in way.code)
    return sum(way.flash_bytes for way in ways) + sum(code.values())


def _flash(way: Way) -> float:
    """Bytes for which the way is held responsible. Several layers share the code of a way, but
    portable C is compiled for each shape."""
    users = 1 if way.name == PORTABLE else USERS
    return way.flash_bytes + sum(size for _, size in way.code) / users


def _choices(options: Sequence[Sequence[Option]]) -> list[Choice]:
    """The cheapest choice under every cap, each once, the leanest first."""
    least = max((min(option.arena for option in some) for some in options), default=0)
    found: dict[tuple[int, ...], Choice] = {}
    for cap in sorted({max(option.arena, least) for some in options for option in some} or {0}):
        best = [min((o for o in some if o.arena <= cap), key=Option.price) for some in options]
        ways = tuple(option.way for option in best)
        arena = max((option.arena for option in best), default=0)
        key = tuple(id(way) for way in ways)
        found.setdefault(key, Choice(ways, arena, sum(option.cost for option in best)))
    return list(found.values())


class _Live:
    """Bytes of arena while an op runs, by its way."""

    def __init__(self, others: int, output: int, dying: int) -> None:
        self.others, self.output, self.dying = others, output, dying

    def __call__(self, way: Way) -> int:
        """`dying` bytes of input 0 may be taken over, `way.lead` bytes before them at most."""
        both = self.dying + self.output
        if way.lead is not None and self.dying:
            both = min(both, max(self.dying + way.lead, self.output))
        return self.others + both + way.scratch_bytes


def _lives(graph: Graph) -> list[_Live]:
    root: dict[int, int] = {}
    last: dict[int, int] = dict.fromkeys(graph.inputs, -1)
    first: dict[int, int] = dict.fromkeys(graph.inputs, -1)
    for position, op in enumerate(graph.ops):
        for index in op.inputs:
            if root.get(index, index) in last:
                last[root.get(index, index)] = position
        for index in op.outputs:
            if op.kind in MOVES_NOTHING:
                root[index] = root.get(op.inputs[0], op.inputs[0])
            else:
                first[index] = last[index] = position
    for index in graph.outputs:
        last[root.get(index, index)] = len(graph.ops)
    return [
        _live(op, position, graph, root, (first, last)) for position, op in enumerate(graph.ops)
    ]


def _live(
    op: Op,
    position: int,
    graph: Graph,
    root: dict[int, int],
    spans: tuple[dict[int, int], dict[int, int]],
) -> _Live:
    first, last = spans
    alive = {index for index in first if first[index] <= position <= last.get(index, -1)}
    source = root.get(op.inputs[0], op.inputs[0]) if op.inputs else -1
    dying = source if source in alive and last[source] == position else -1
    outputs = set(op.outputs) & alive
    others = sum(graph.tensor(index).bytes for index in alive - outputs - {dying})
    output = sum(graph.tensor(index).bytes for index in outputs)
    return _Live(others, output, graph.tensor(dying).bytes if dying >= 0 else 0)
