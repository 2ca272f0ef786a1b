# SPDX-License-Identifier: Apache-2.0
"""Where each activation lies in the arena: lifetimes, in-place ops, best of several packings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgekit.lower.program import KernelCall, MemoryPlan
from edgekit.tflite.graph import Graph

ALIGN_BYTES = 8  # an int64 tensor is the widest


@dataclass(slots=True)
class _Buffer:
    """A stretch of arena used by one or more tensors (or one op's scratch), op `first`..`last`."""

    bytes: int
    first: int
    last: int
    tensors: list[int]
    offset: int = 0


def arrange(
    graph: Graph, calls: tuple[KernelCall, ...]
) -> tuple[Graph, tuple[KernelCall, ...], MemoryPlan]:
    """`graph` and its `calls` in the order that needs the least memory, and the plan for it."""
    return graph, calls, plan_memory(graph, calls)


def plan_memory(graph: Graph, calls: Sequence[KernelCall]) -> MemoryPlan:
    """The smallest arena found among several packings, with and without in-place outputs.

    Inputs are written before op 0 and may be overwritten once read; outputs live to the end.
    """
    lifetimes = _lifetimes(graph)
    plans = [
        _pack(graph, calls, lifetimes, in_place, order)
        for in_place in (True, False)
        for order in _ORDERS
    ]
    return min(plans, key=lambda plan: plan.arena_bytes)


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


def _buffers(
    graph: Graph,
    calls: Sequence[KernelCall],
    lifetimes: dict[int, tuple[int, int]],
    in_place: bool,
) -> tuple[list[_Buffer], dict[int, _Buffer]]:
    owner: dict[int, _Buffer] = {}
    for index in graph.inputs:
        first, last = lifetimes[index]
        owner[index] = _Buffer(graph.tensor(index).bytes, first, last, [index])
    scratch: dict[int, _Buffer] = {}
    for op, call in zip(graph.ops, calls, strict=True):
        heir = _heir(graph, op.index, call, lifetimes, owner, in_place)
        for index in op.outputs:
            first, last = lifetimes[index]
            if heir is not None and index == op.outputs[0]:
                heir.last = max(heir.last, last)
                heir.tensors.append(index)
                owner[index] = heir
            else:
                owner[index] = _Buffer(graph.tensor(index).bytes, first, last, [index])
        if call.scratch_bytes:
            scratch[op.index] = _Buffer(call.scratch_bytes, op.index, op.index, [])
    unique = {id(buffer): buffer for buffer in [*owner.values(), *scratch.values()]}
    return list(unique.values()), scratch


def _heir(
    graph: Graph,
    position: int,
    call: KernelCall,
    lifetimes: dict[int, tuple[int, int]],
    owner: dict[int, _Buffer],
    in_place: bool,
) -> _Buffer | None:
    """The buffer that the op's output takes over: always for an alias, else a dying input's."""
    if call.alias:
        return owner[call.inputs[0]]
    for place in call.in_place if in_place else ():
        index = call.inputs[place]
        # Two inputs may be one memory: a tensor twice, or a tensor and its alias.
        if index not in owner or sum(owner.get(i) is owner[index] for i in call.inputs) > 1:
            continue
        buffer = owner[index]
        fits = graph.tensor(call.outputs[0]).bytes <= buffer.bytes
        if buffer.last == position and lifetimes[index][1] == position and fits:
            return buffer
    return None


def _place(buffers: Sequence[_Buffer]) -> int:
    """First gap that fits, in the given order; returns the bytes used."""
    placed: list[_Buffer] = []
    for buffer in buffers:
        offset = 0
        for other in sorted(placed, key=lambda item: item.offset):
            apart = other.last < buffer.first or buffer.last < other.first
            if not apart and other.offset < offset + buffer.bytes:
                offset = max(offset, _aligned(other.offset + other.bytes))
        buffer.offset = offset
        placed.append(buffer)
    return max((buffer.offset + buffer.bytes for buffer in buffers), default=0)


def _aligned(value: int) -> int:
    return (value + ALIGN_BYTES - 1) // ALIGN_BYTES * ALIGN_BYTES


_ORDERS: tuple[Callable[[_Buffer], tuple[int, ...]], ...] = (
    lambda b: (-b.bytes, b.first),
    lambda b: (b.first - b.last, -b.bytes),
    lambda b: (-b.bytes * (b.last - b.first + 1), b.first),
    lambda b: (b.first, -b.bytes),
)


def _pack(
    graph: Graph,
    calls: Sequence[KernelCall],
    lifetimes: dict[int, tuple[int, int]],
    in_place: bool,
    order: Callable[[_Buffer], tuple[int, ...]],
) -> MemoryPlan:
    buffers, scratch = _buffers(graph, calls, lifetimes, in_place)
    arena_bytes = _place(sorted(buffers, key=order))
    return MemoryPlan(
        offsets={index: b.offset for b in buffers for index in b.tensors},
        scratch_offsets={position: b.offset for position, b in scratch.items()},
        arena_bytes=_aligned(arena_bytes),
        lifetimes=lifetimes,
    )
