# SPDX-License-Identifier: Apache-2.0
"""Where each activation lies in the arena: lifetimes, in-place ops, outputs that run into their
dying inputs, the order of the ops; the best of several packings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgekit.lower.order import best_order
from edgekit.lower.packing import SAME, Buffer, Leads, aligned, best_packing
from edgekit.lower.program import KernelCall, MemoryPlan
from edgekit.tflite.graph import Graph

# Outputs of in-place ops: in one buffer with the input, in one of its own that begins where the
# input's does or lies elsewhere, or always elsewhere.
SHARED, PINNED, APART = "shared", "pinned", "apart"
SEARCHED = 2  # of the ways to place them, how many are improved by search


def arrange(
    graph: Graph, calls: tuple[KernelCall, ...]
) -> tuple[Graph, tuple[KernelCall, ...], MemoryPlan]:
    """`graph` and its `calls` in the order that needs the least memory, and the plan for it.

    Where no other order needs less, the order stays as it is.
    """
    plan = plan_memory(graph, calls)
    order = best_order(graph, calls)
    if order is None:
        return graph, calls, plan
    ops = [replace(graph.ops[old], index=new) for new, old in enumerate(order)]
    other = replace(graph, ops=tuple(ops)), tuple(calls[old] for old in order)
    other_plan = plan_memory(*other)
    if other_plan.arena_bytes < plan.arena_bytes:
        return *other, other_plan
    return graph, calls, plan


def plan_memory(graph: Graph, calls: Sequence[KernelCall]) -> MemoryPlan:
    """The smallest arena found among several packings, with and without in-place outputs and
    outputs over dying inputs.

    Inputs are written before op 0 and may be overwritten once read; outputs live to the end.
    """
    lifetimes = _lifetimes(graph)
    ways = ((SHARED, True), (PINNED, True), (APART, True), (SHARED, False), (APART, False))
    plans = [_pack(graph, calls, lifetimes, *way) for way in ways]
    ranked = sorted(range(len(ways)), key=lambda i: plans[i].arena_bytes)
    plans += [_pack(graph, calls, lifetimes, *ways[i], search=True) for i in ranked[:SEARCHED]]
    return min(plans, key=_arena_bytes)


def _arena_bytes(plan: MemoryPlan) -> int:
    return plan.arena_bytes


def _lifetimes(graph: Graph) -> dict[int, tuple[int, int]]:
    """First and last op during which each activation must stay; inputs start at -1."""
    spans = {index: [-1, -1] for index in graph.inputs}
    for op in graph.ops:
        for index in op.outputs:
            spans.setdefault(index, [op.index, op.index])
        for index in op.inputs:
            if index in spans:
                spans[index][1] = op.index
    for index in graph.outputs:
        if index in spans:
            spans[index][1] = len(graph.ops)
    return {index: (first, last) for index, (first, last) in spans.items()}


class _Buffers:
    """Which tensors share memory, and which may run into which."""

    def __init__(self, graph: Graph, lifetimes: dict[int, tuple[int, int]]) -> None:
        self._graph, self._lifetimes = graph, lifetimes
        self.owner: dict[int, Buffer] = {}
        self.scratch: dict[int, Buffer] = {}
        self.leads: Leads = {}
        for index in graph.inputs:
            self._own(index)

    def _own(self, index: int) -> Buffer:
        first, last = self._lifetimes[index]
        self.owner[index] = Buffer(self._graph.tensor(index).bytes, first, last, [index])
        return self.owner[index]

    def add(self, position: int, call: KernelCall, *, in_place: str, over: bool) -> None:
        """Memory for the outputs and the scratch of the op at `position`."""
        heir = self._heir(position, call, in_place != APART)
        source = None
        if in_place == PINNED and not call.alias:
            source, heir = heir, None
        for index in self._graph.ops[position].outputs:
            if heir is not None and index == call.outputs[0]:
                heir.last = max(heir.last, self._lifetimes[index][1])
                heir.tensors.append(index)
                self.owner[index] = heir
            else:
                self._own(index)
        if call.scratch_bytes:
            self.scratch[position] = Buffer(call.scratch_bytes, position, position, [])
        if source is not None:
            # A buffer of its own at the same place or elsewhere: what it does not fill is free.
            self.leads[id(self.owner[call.outputs[0]]), id(source)] = SAME
        elif over and heir is None:
            for place, lead in call.leads:
                dying = self._dying(position, call, place)
                if dying is not None:
                    self.leads[id(self.owner[call.outputs[0]]), id(dying)] = lead

    def _heir(self, position: int, call: KernelCall, in_place: bool) -> Buffer | None:
        """The buffer that the op's output takes over: always for an alias, else a dying input's
        that is large enough."""
        if call.alias:
            return self.owner[call.inputs[0]]
        output_bytes = self._graph.tensor(call.outputs[0]).bytes if call.in_place else 0
        for place in call.in_place if in_place else ():
            buffer = self._dying(position, call, place)
            if buffer is not None and output_bytes <= buffer.bytes:
                return buffer
        return None

    def _dying(self, position: int, call: KernelCall, place: int) -> Buffer | None:
        """The buffer of an input that nobody needs after the op, nor twice in it."""
        index = call.inputs[place]
        if index not in self.owner:
            return None
        buffer = self.owner[index]
        # Two inputs may be one memory: a tensor twice, or a tensor and its alias.
        if sum(self.owner.get(i) is buffer for i in call.inputs) > 1:
            return None
        dies = buffer.last == position and self._lifetimes[index][1] == position
        return buffer if dies else None

    def all(self) -> list[Buffer]:
        unique = {id(b): b for b in [*self.owner.values(), *self.scratch.values()]}
        return list(unique.values())


def _pack(
    graph: Graph,
    calls: Sequence[KernelCall],
    lifetimes: dict[int, tuple[int, int]],
    in_place: str,
    over: bool,
    *,
    search: bool = False,
) -> MemoryPlan:
    buffers = _Buffers(graph, lifetimes)
    for position, call in enumerate(calls):
        buffers.add(position, call, in_place=in_place, over=over)
    arena_bytes = best_packing(buffers.all(), buffers.leads, search=search)
    return MemoryPlan(
        offsets={index: buffer.offset for index, buffer in buffers.owner.items()},
        scratch_offsets={position: b.offset for position, b in buffers.scratch.items()},
        arena_bytes=aligned(arena_bytes),
        lifetimes=lifetimes,
    )
