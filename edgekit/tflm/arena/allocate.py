# SPDX-License-Identifier: Apache-2.0
"""AllocateTensors, call by call: micro_interpreter.cc, micro_allocator.cc, 2026-08."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.errors import EdgekitError
from edgekit.tflite.graph import Graph, Op, Tensor
from edgekit.tflm.arena import structs
from edgekit.tflm.arena.abi import Abi, size_of
from edgekit.tflm.arena.calls import ARENA_ALIGNMENT, Call
from edgekit.tflm.arena.greedy import Buffer, place, total_bytes
from edgekit.tflm.arena.kernels import Target, use_of
from edgekit.tflm.arena.node import TYPE_BYTES, Node, Scratch, affine_bytes, padded, tensor_bytes

# What reading an op with missing options, inputs or sides raises.
_MISFIT = (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError)

INTERPRETER = "interpreter"
TENSOR_STRUCTS = "tensor structs"
OP_STRUCTS = "op structs"
OP_OPTIONS = "op options"
OP_DATA = "op data"
ENDS = "input and output tensors"
VARIABLES = "variables"
PLANNING = "planning the memory"
ACTIVATIONS = "activations and scratch"


@dataclass(frozen=True, slots=True)
class Allocation:
    """All calls of an AllocateTensors; the buffers of its memory plan and their offsets."""

    calls: list[Call]
    buffers: list[Buffer]
    offsets: list[int]


def allocate(graph: Graph, target: Target) -> Allocation:
    """EdgekitError for an op whose needs are not known, or a tensor that TFLM has no type for."""
    _check_tensors(graph)
    calls = _start(graph, target.abi)
    nodes = [Node(op, graph, target.abi, target.extension) for op in graph.ops]
    uses = [use_of(op, target.kernels) for op in graph.ops]
    for use in uses:
        if use.options:
            calls.append(_struct(use.options, target.abi, OP_OPTIONS))
    for use in uses:
        if use.data:
            size, _ = size_of(use.data, target.abi)
            calls.append(Call("persistent", size, ARENA_ALIGNMENT, OP_DATA))
    scratches: list[Scratch] = []
    for node, use in zip(nodes, uses, strict=True):
        try:
            use.run_prepare(node)
        except _MISFIT:
            raise _misfit(node.op) from None
        scratches += node.scratches
        calls += [*node.calls, Call("reset"), _requests(len(scratches), target.abi)]
    return _finish(graph, target.abi, calls, scratches)


def _check_tensors(graph: Graph) -> None:
    if graph.decodes:
        raise ValueError("the graph has to be read with its DECODE ops: read_graph(decode=False)")
    if graph.offline and len(graph.offline) != len(graph.tensors):
        raise EdgekitError(
            f"the file places {len(graph.offline)} tensors in TFLite Micro's arena and has "
            f"{len(graph.tensors)}, which TFLite Micro refuses",
            hint="leave the metadata OfflineMemoryAllocation out: convert the model again",
        )
    for tensor in graph.tensors:
        if tensor.dtype not in TYPE_BYTES:
            raise EdgekitError(
                f"tensor '{tensor.name}' is of type {tensor.dtype}, which TFLite Micro cannot hold",
                hint="`edgekit inspect` names the op that it belongs to",
            )


def _misfit(op: Op) -> EdgekitError:
    return EdgekitError(
        f"the inputs, options and shapes of op {op.index} ({op.kind}) do not fit together",
        hint="convert the model again",
    )


def _struct(layout: str, abi: Abi, part: str, count: int = 1) -> Call:
    size, alignment = size_of(layout, abi)
    return Call("persistent", size * count, alignment, part)


def _requests(count: int, abi: Abi) -> Call:
    """The table of scratch requests always has room for what one more op may ask for."""
    size, _ = size_of(structs.SCRATCH_REQUEST, abi)
    return Call("head", size * (count + structs.MOST_SCRATCHES_PER_OP), part="preparing the ops")


def _start(graph: Graph, abi: Abi) -> list[Call]:
    """MicroAllocator::Create and StartModelAllocation."""
    return [
        _struct(structs.arena_allocator(abi), abi, INTERPRETER),
        _struct(structs.GREEDY_PLANNER, abi, INTERPRETER),
        _struct(structs.micro_allocator(abi), abi, INTERPRETER),
        _struct(structs.BUILTIN_DATA_ALLOCATOR, abi, INTERPRETER),
        _requests(0, abi),
        _struct(structs.subgraph_allocations(abi), abi, INTERPRETER),
        _struct(structs.EVAL_TENSOR, abi, TENSOR_STRUCTS, len(graph.tensors)),
        _struct(structs.NODE_AND_REGISTRATION, abi, OP_STRUCTS, len(graph.ops)),
    ]


def _finish(graph: Graph, abi: Abi, calls: list[Call], scratches: list[Scratch]) -> Allocation:
    """FinishModelAllocation and the tensors that the application sees."""
    if scratches:
        calls.append(_struct(structs.SCRATCH_HANDLE, abi, OP_DATA, len(scratches)))
    infos = len(graph.tensors) + len(scratches)
    offsets_size, offsets_alignment = size_of("z", abi)
    info_size, info_alignment = size_of(structs.ALLOCATION_INFO, abi)
    calls.append(Call("temp", offsets_size, offsets_alignment, PLANNING))
    calls.append(Call("temp", info_size * infos, info_alignment, PLANNING))
    for tensor in graph.tensors:
        if tensor.variable and _fixed(graph, tensor) is None:
            calls.append(Call("persistent", tensor_bytes(tensor), ARENA_ALIGNMENT, VARIABLES))
    buffers = _buffers(graph, scratches)
    offsets = place(buffers)
    room = structs.GREEDY_BYTES_PER_BUFFER * len(buffers)
    calls.append(Call("room", room, part=PLANNING))
    calls.append(Call("head", total_bytes(buffers, offsets), part=ACTIVATIONS))
    for ends in (graph.inputs, graph.outputs):
        size, _ = size_of(f"{len(ends)}p", abi)
        calls.append(Call("persistent", size, ARENA_ALIGNMENT, ENDS))
        for index in ends:
            calls += _visible(graph.tensor(index), abi)
    return Allocation(calls, buffers, offsets)


def _visible(tensor: Tensor, abi: Abi) -> list[Call]:
    sizes = [size_of(structs.TENSOR, abi), *affine_bytes(tensor, abi)]
    return [Call("persistent", size, alignment, ENDS) for size, alignment in sizes]


def _buffers(graph: Graph, scratches: list[Scratch]) -> list[Buffer]:
    """What the plan places, with lifetimes as in micro_allocation_info.cc.

    Time 0 is before the first op, op n runs at n + 1. A tensor that nothing uses lives at -1.
    """
    first = dict.fromkeys(graph.inputs, 0)
    last = dict(first)
    for op in graph.ops:
        for index in op.outputs:
            first.setdefault(index, op.index + 1)
        for index in (*op.inputs, *op.outputs):
            last[index] = op.index + 1
    for index in graph.outputs:
        first.setdefault(index, len(graph.ops))
        last[index] = len(graph.ops)
    planned = [
        Buffer(
            t.name or f"tensor {t.index}",
            padded(tensor_bytes(t)),
            first.get(t.index, -1),
            last.get(t.index, -1),
            _fixed(graph, t),
        )
        for t in graph.tensors
        if _is_planned(graph, t)
    ]
    return planned + [
        Buffer(f"{s.name} of op {s.op}", padded(s.bytes), s.op + 1, s.op + 1, op=s.op)
        for s in scratches
    ]


def _is_planned(graph: Graph, tensor: Tensor) -> bool:
    if tensor.variable:
        return _fixed(graph, tensor) is not None
    return not tensor.is_constant and tensor_bytes(tensor) > 0


def _fixed(graph: Graph, tensor: Tensor) -> int | None:
    """The offset that the file gives a tensor."""
    offset = graph.offline[tensor.index] if graph.offline else -1
    return None if offset < 0 else offset
