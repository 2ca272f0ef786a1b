# SPDX-License-Identifier: Apache-2.0
"""The order of ops in which the most memory that lives at once is least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.lower.program import KernelCall
from edgekit.tflite.graph import Graph

# States kept after each op. Graphs with few branches have fewer: the search is then exact.
BEAM = 48


@dataclass(frozen=True, slots=True)
class _State:
    """Some ops done: `done` as a bit set, bytes that live on, and the most there were so far."""

    done: int
    order: tuple[int, ...]
    live_bytes: int
    peak_bytes: int


class _Costs:
    """What each op reads, writes and takes while it runs; views are the tensor they look at."""

    def __init__(self, graph: Graph, calls: Sequence[KernelCall]) -> None:
        self._root: dict[int, int] = {}
        for op, call in zip(graph.ops, calls, strict=True):
            if call.alias:
                self._root[op.outputs[0]] = self.root(call.inputs[0])
        self.sizes = {t.index: t.bytes for t in graph.tensors}
        self.calls = calls
        self.reads = [self._tensors(graph, op.inputs) for op in graph.ops]
        self.writes = [
            () if call.alias else op.outputs for op, call in zip(graph.ops, calls, strict=True)
        ]
        self.users: dict[int, int] = {}
        for position, reads in enumerate(self.reads):
            for index in reads:
                self.users[index] = self.users.get(index, 0) | 1 << position
        for index in graph.outputs:
            self.users[self.root(index)] = self.users.get(self.root(index), 0) | 1 << len(calls)
        made = {i: p for p, op in enumerate(graph.ops) for i in op.outputs}
        self.needs = [sum({1 << made[i] for i in op.inputs if i in made}) for op in graph.ops]

    def root(self, index: int) -> int:
        return self._root.get(index, index)

    def _tensors(self, graph: Graph, indices: Sequence[int]) -> tuple[int, ...]:
        found = {self.root(i) for i in indices if i >= 0 and not graph.tensor(i).is_constant}
        return tuple(sorted(found))

    def step(self, state: _State, position: int) -> _State:
        """`state` after the op at `position`."""
        done = state.done | 1 << position
        call = self.calls[position]
        written = sum(self.sizes[i] for i in self.writes[position])
        dying = [i for i in self.reads[position] if not self.users[i] & ~done]
        shared = self._shared(call, dying) if self.writes[position] else 0
        peak = state.live_bytes + written + call.scratch_bytes - shared
        dead = sum(self.sizes[i] for i in dying)
        dead += sum(self.sizes[i] for i in self.writes[position] if i not in self.users)
        live = state.live_bytes + written - dead
        return _State(done, (*state.order, position), live, max(state.peak_bytes, peak))

    def _shared(self, call: KernelCall, dying: Sequence[int]) -> int:
        """Bytes that the first output can share with a dying input."""
        output = self.sizes[call.outputs[0]]
        best = 0
        for place in call.in_place:
            if self.root(call.inputs[place]) in dying:
                size = self.sizes[self.root(call.inputs[place])]
                best = max(best, output if output <= size else 0)
        for place, lead in call.leads:
            if self.root(call.inputs[place]) in dying:
                size = self.sizes[self.root(call.inputs[place])]
                best = max(best, output + size - max(output, lead + size))
        return best


def best_order(graph: Graph, calls: Sequence[KernelCall]) -> tuple[int, ...] | None:
    """Positions of the ops in a better order; None where none was found.

    Peaks are estimates: what lives at once, as if memory never had gaps.
    """
    if any(tensor.variable for tensor in graph.tensors):
        return None  # what is remembered from run to run has an order of its own
    costs = _Costs(graph, calls)
    start = sum(graph.tensor(i).bytes for i in graph.inputs)
    states = [_State(0, (), start, start)]
    given = states[0]
    for position in range(len(calls)):
        given = costs.step(given, position)
        states = _next(costs, states, len(calls))
    best = min(states, key=lambda state: state.peak_bytes)
    return best.order if best.peak_bytes < given.peak_bytes else None


def _next(costs: _Costs, states: Sequence[_State], count: int) -> list[_State]:
    """The best states with one more op done, one for each set of ops."""
    found: dict[int, _State] = {}
    for state in states:
        for position in range(count):
            if state.done >> position & 1 or costs.needs[position] & ~state.done:
                continue
            new = costs.step(state, position)
            old = found.get(new.done)
            if old is None or new.peak_bytes < old.peak_bytes:
                found[new.done] = new
    ranked = sorted(found.values(), key=lambda s: (s.peak_bytes, s.live_bytes, s.order))
    return ranked[:BEAM]
