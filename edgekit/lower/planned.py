# SPDX-License-Identifier: Apache-2.0
"""Choices of ways by their true arenas: the best of several are planned, then changed op by op."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.lower.memory import arrange
from edgekit.lower.packing import aligned
from edgekit.lower.program import KernelCall, MemoryPlan
from edgekit.lower.ways import Way
from edgekit.tflite.graph import Graph

TRIED = 6  # choices that are planned; as many again where none of those fits the board
STARTS = 3  # of those, how many are improved
CHANGED = 8  # ops for which faster ways are planned, the costliest first
WORTH = 0.005  # of the cost: less is not worth another plan
LEANER = 8  # times that the ways at the top of the arena are changed for leaner ones
MISSES = 2  # of those in vain, after which it is left


@dataclass(frozen=True, slots=True)
class Option:
    """A way for an op: what it costs, and about how many bytes of arena are needed meanwhile."""

    way: Way
    cost: float
    arena: int

    def price(self) -> float:
        return self.cost


@dataclass(frozen=True, slots=True)
class Choice:
    """A way for each op, about how large an arena they need, and what they cost without it."""

    ways: tuple[Way, ...]
    arena: int
    cost: float

    def changed(self, at: int, option: Option, gain: float) -> Choice:
        """With another way for op `at`, which costs `gain` less."""
        ways = (*self.ways[:at], option.way, *self.ways[at + 1 :])
        return Choice(ways, self.arena, self.cost - gain)


@dataclass(frozen=True, slots=True)
class _Planned:
    """Bytes of arena of a choice, and the ops during which it is full to the top."""

    arena: int
    top: tuple[int, ...]


class Planner:
    """Plans choices for `graph`; a byte of arena costs `ram_price`, and there may be `ram_bytes`
    of them (0: any number)."""

    def __init__(self, graph: Graph, ram_price: float, ram_bytes: int) -> None:
        self._graph, self._price, self._limit = graph, ram_price, ram_bytes
        self._plans: dict[tuple[int, ...], _Planned] = {}

    def best(self, choices: Sequence[Choice], options: Sequence[Sequence[Option]]) -> list[Way]:
        """The cheapest that fits of `choices`, the leanest first, and of what becomes of them when
        ways are changed; where none fits, the leanest."""
        if all(len(some) == 1 for some in options):
            return list(choices[0].ways)
        starts = [self._faster(choice, options) for choice in self._starts(choices)]
        ends = [*starts, *(lean for start in starts for lean in self._leaner(start, options))]
        fits = [choice for choice in ends if self._fits(choice)]
        if fits:
            return list(min(fits, key=self._score).ways)
        return list(min(ends, key=lambda c: (self._plan(c).arena, c.cost)).ways)

    def _starts(self, choices: Sequence[Choice]) -> list[Choice]:
        limit = self._limit
        hopeful = [choice for choice in choices if not limit or choice.arena <= limit]
        hopeful.sort(key=lambda c: c.cost + self._price * c.arena)
        ranked = [*hopeful, *(choice for choice in choices if limit and choice.arena > limit)]
        for tried in (ranked[:TRIED], ranked[TRIED : 2 * TRIED]):
            fits = [choice for choice in tried if self._fits(choice)]
            if fits:
                return sorted(fits, key=self._score)[:STARTS]
        tried = [choices[0], *ranked[: 2 * TRIED]]
        return [min(tried, key=lambda c: (self._plan(c).arena, c.cost))]

    def _faster(self, choice: Choice, options: Sequence[Sequence[Option]]) -> Choice:
        """`choice` with cheaper ways where its plan has room for them after all."""
        costs = {id(option.way): option.cost for some in options for option in some}
        gains = [
            costs[id(way)] - min(option.cost for option in some)
            for way, some in zip(choice.ways, options, strict=True)
        ]
        for at in sorted(range(len(gains)), key=lambda i: -gains[i])[:CHANGED]:
            for option in sorted(options[at], key=Option.price):
                gain = costs[id(choice.ways[at])] - option.cost
                if gain <= WORTH * choice.cost:
                    break
                other = choice.changed(at, option, gain)
                if self._better(other, choice):
                    choice = other
                    break
        return choice

    def _leaner(self, choice: Choice, options: Sequence[Sequence[Option]]) -> list[Choice]:
        """What becomes of `choice` as the ways with scratch at the top of the arena are changed,
        again and again, for the cheapest ones with less."""
        costs = {id(option.way): option.cost for some in options for option in some}
        found: list[Choice] = []
        misses = 0
        for _ in range(LEANER):
            before = self._score(choice)
            top = self._plan(choice).top
            for at in top:
                way = choice.ways[at]
                less = [o for o in options[at] if o.way.scratch_bytes < way.scratch_bytes]
                if not less:
                    return found
                option = min(less, key=Option.price)
                choice = choice.changed(at, option, costs[id(way)] - option.cost)
            if not top:
                return found
            found.append(choice)
            misses += self._fits(choice) and self._score(choice) >= before
            if misses == MISSES:
                return found
        return found

    def _better(self, other: Choice, choice: Choice) -> bool:
        if self._limit and self._plan(other).arena > max(self._limit, self._plan(choice).arena):
            return False
        return self._score(other) < self._score(choice)

    def _fits(self, choice: Choice) -> bool:
        return not self._limit or self._plan(choice).arena <= self._limit

    def _score(self, choice: Choice) -> float:
        return choice.cost + self._price * self._plan(choice).arena

    def _plan(self, choice: Choice) -> _Planned:
        key = tuple(id(way) for way in choice.ways)
        if key not in self._plans:
            calls = tuple(way.lower() for way in choice.ways)
            graph, ordered, plan = arrange(self._graph, calls)
            place = {id(call): position for position, call in enumerate(calls)}
            full = _full(graph, ordered, plan)
            top = tuple(place[id(ordered[i])] for i in full if ordered[i].scratch_bytes)
            self._plans[key] = _Planned(plan.arena_bytes, top)
        return self._plans[key]


def _full(graph: Graph, calls: Sequence[KernelCall], plan: MemoryPlan) -> list[int]:
    """Positions of the ops during which something lies at the end of the arena."""
    ends = {index: plan.offsets[index] + graph.tensor(index).bytes for index in plan.lifetimes}
    full = []
    for position, call in enumerate(calls):
        end = plan.scratch_offsets.get(position, 0) + call.scratch_bytes
        for index, (first, last) in plan.lifetimes.items():
            end = max(end, ends[index] if first <= position <= last else 0)
        if aligned(end) >= plan.arena_bytes:
            full.append(position)
    return full
