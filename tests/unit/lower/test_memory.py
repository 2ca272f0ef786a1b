# SPDX-License-Identifier: Apache-2.0
"""The planner, held against a simulation that tags every byte with the tensor it holds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from edgekit.lower.memory import arrange, plan_memory
from edgekit.lower.packing import ALIGN_BYTES
from edgekit.lower.program import KernelCall, MemoryPlan
from edgekit.tflite.graph import Graph, Op
from edgekit.tflite.reader import read_graph
from tests.random_graphs.flat import draw_flat
from tests.support.exact import host_model, random_inputs
from tests.support.random_programs import random_program

NOBODY = -1


def _simulate(graph: Graph, calls: Sequence[KernelCall], plan: MemoryPlan) -> None:
    """Asserts that each read finds the bytes that the tensor's writer left there.

    Kernels may overwrite an input only where it is allowed: first output over an in-place input.
    """
    owner = np.full(plan.arena_bytes, NOBODY)
    name = {index: index for index in range(len(graph.tensors))}  # an alias keeps the tag

    def span(index: int) -> slice:
        start = plan.offsets[index]
        assert start % ALIGN_BYTES == 0 and start + graph.tensor(index).bytes <= plan.arena_bytes
        return slice(start, start + graph.tensor(index).bytes)

    for index in graph.inputs:
        assert (owner[span(index)] == NOBODY).all(), "two inputs share bytes"
        owner[span(index)] = index
    for op, call in zip(graph.ops, calls, strict=True):
        for index in op.inputs:
            assert (owner[span(index)] == name[index]).all(), f"op {op.index} reads a dead {index}"
        if call.alias:
            assert plan.offsets[op.outputs[0]] == plan.offsets[op.inputs[0]]
            name[op.outputs[0]] = name[op.inputs[0]]
            continue
        _check_apart(graph, call, plan, op.index)
        if call.scratch_bytes:
            start = plan.scratch_offsets[op.index]
            owner[start : start + call.scratch_bytes] = NOBODY
        for index in op.outputs:
            owner[span(index)] = index
    for index in graph.outputs:
        assert (owner[span(index)] == name[index]).all(), f"output {index} was overwritten"


def _check_apart(graph: Graph, call: KernelCall, plan: MemoryPlan, position: int) -> None:
    """No output or scratch of a call lies over its inputs, but for the in-place ones."""
    spans = {("out", i): (plan.offsets[i], graph.tensor(i).bytes) for i in call.outputs}
    if call.scratch_bytes:
        spans["scratch", 0] = (plan.scratch_offsets[position], call.scratch_bytes)
    for place, index in enumerate(call.inputs):
        start, size = plan.offsets[index], graph.tensor(index).bytes
        for (what, which), (at, length) in spans.items():
            taken_over = (
                (what, which) == ("out", call.outputs[0]) and place in call.in_place and at == start
            )
            leads = dict(call.leads)
            runs_into = (
                (what, which) == ("out", call.outputs[0])
                and place in leads
                and at + leads[place] <= start
            )
            if not taken_over and not runs_into:
                assert at + length <= start or start + size <= at, f"{what} over input {place}"
    ends = sorted((at, at + length) for at, length in spans.values())
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(ends))


@pytest.mark.parametrize("start", range(0, 600, 50))
def test_no_live_byte_is_overwritten(start: int) -> None:
    for seed in range(start, start + 50):
        graph, calls = random_program(seed)
        _simulate(graph, calls, plan_memory(graph, calls))


def test_arena_is_no_larger_than_all_tensors_and_no_smaller_than_one_op_needs() -> None:
    for seed in range(100):
        graph, calls = random_program(seed)
        plan = plan_memory(graph, calls)
        each = [-(-t.bytes // ALIGN_BYTES) * ALIGN_BYTES for t in graph.tensors]
        assert plan.arena_bytes <= sum(each) + 40 * len(calls)
        assert plan.arena_bytes >= max(t.bytes for t in graph.tensors)


def _plain(graph: Graph, calls: Sequence[KernelCall], lifetimes: dict[int, tuple[int, int]]) -> int:
    """Arena of the largest first, each in the first gap, only views sharing memory."""
    root: dict[int, int] = {}
    for op, call in zip(graph.ops, calls, strict=True):
        if call.alias:
            root[op.outputs[0]] = root.get(call.inputs[0], call.inputs[0])
    spans: dict[int, list[int]] = {}
    for index, (first, last) in lifetimes.items():
        span = spans.setdefault(root.get(index, index), [first, last, graph.tensor(index).bytes])
        span[0], span[1] = min(span[0], first), max(span[1], last)
    every = [*spans.values(), *([i, i, c.scratch_bytes] for i, c in enumerate(calls))]
    placed: list[tuple[int, int, list[int]]] = []
    for span in sorted(every, key=lambda s: -s[2]):
        at = 0
        for start, end, other in sorted(placed):
            if other[0] <= span[1] and span[0] <= other[1] and start < at + span[2]:
                at = max(at, -(-end // ALIGN_BYTES) * ALIGN_BYTES)
        placed.append((at, at + span[2], span))
    return max(end for _, end, _ in placed)


def test_arena_is_never_larger_than_the_plain_one() -> None:
    smaller = 0
    for seed in range(300):
        graph, calls = random_program(seed)
        plan = plan_memory(graph, calls)
        plain = _plain(graph, calls, plan.lifetimes)
        assert plan.arena_bytes <= -(-plain // ALIGN_BYTES) * ALIGN_BYTES
        smaller += plan.arena_bytes < plain
    assert smaller > 100  # or the test would show nothing


def test_order_is_changed_for_less_memory_only() -> None:
    changed = 0
    for seed in range(300):
        graph, calls = random_program(seed)
        before = plan_memory(graph, calls).arena_bytes
        other, other_calls, plan = arrange(graph, tuple(calls))
        assert plan.arena_bytes <= before
        assert [op.index for op in other.ops] == list(range(len(calls)))
        _simulate(other, other_calls, plan)
        if other is not graph:
            changed += 1
            assert plan.arena_bytes < before
            assert sorted(op.outputs for op in other.ops) == sorted(op.outputs for op in graph.ops)
    assert changed > 20


def test_branch_that_leaves_little_runs_first() -> None:
    """Of two branches one ends small: the other one's large tensor must not wait for it."""
    kind = type(random_program(0)[0].tensors[0])
    sizes = [16, 400, 400, 8, 8, 16]
    tensors = tuple(kind(i, f"t{i}", (size,), "int8") for i, size in enumerate(sizes))
    steps = [((0,), 1), ((0,), 2), ((1,), 3), ((2,), 4), ((3, 4), 5)]
    ops = tuple(Op(i, "ANY", reads, (wrote,)) for i, (reads, wrote) in enumerate(steps))
    graph = Graph("two", tensors, ops, (0,), (5,))
    calls = tuple(KernelCall("any", {}, reads, (wrote,)) for reads, wrote in steps)
    assert plan_memory(graph, calls).arena_bytes >= 800
    other, _, plan = arrange(graph, calls)
    assert plan.arena_bytes == 424
    assert [op.origin or op.outputs for op in other.ops][:2] in ([(1,), (3,)], [(2,), (4,)])


def test_output_runs_into_its_dying_input() -> None:
    graph, _ = random_program(0)
    kind = type(graph.tensors[0])
    tensors = (kind(0, "in", (64,), "int8"), kind(1, "out", (80,), "int8"))
    pair = Graph("pair", tensors, (Op(0, "ANY", (0,), (1,)),), (0,), (1,))
    for lead, arena_bytes in ((0, 80), (16, 80), (24, 88), (80, 144), (500, 144)):
        calls = [KernelCall("any", {}, (0,), (1,), leads=((0, lead),))]
        plan = plan_memory(pair, calls)
        assert plan.arena_bytes == arena_bytes
        _simulate(pair, calls, plan)


def test_chain_needs_two_buffers_and_in_place_one() -> None:
    graph, _ = random_program(0)
    tensors = tuple(type(graph.tensors[0])(i, f"t{i}", (64,), "int8") for i in range(6))
    ops = tuple(type(graph.ops[0])(i, "ANY", (i,), (i + 1,)) for i in range(5))
    chain = Graph("chain", tensors, ops, (0,), (5,))
    for in_place, arena_bytes in (((), 128), ((0,), 64)):
        calls = [KernelCall("any", {}, (i,), (i + 1,), in_place=in_place) for i in range(5)]
        assert plan_memory(chain, calls).arena_bytes == arena_bytes


@pytest.mark.parametrize("seed", range(12))
def test_dead_bytes_do_not_matter(seed: int) -> None:
    graph = read_graph(draw_flat(seed))
    host = host_model(graph, optimize="-O0")
    graph = host.program.graph
    for inputs in random_inputs(graph, 3):
        expected = host.run(inputs)
        for poison in (0x55, 0xAA):
            host.arena[:] = poison
            host.load(inputs)
            for op in graph.ops:
                _poison_dead(host.arena, host.program.plan, graph, op.index, poison)
                host.run_op(op.index)
            got = [host.tensor(index) for index in graph.outputs]
            assert all(a.tobytes() == b.tobytes() for a, b in zip(got, expected, strict=True))


def _poison_dead(arena: np.ndarray, plan: MemoryPlan, graph: Graph, op: int, poison: int) -> None:
    """Overwrites each byte that no tensor written before `op` still needs."""
    alive = np.zeros(len(arena), bool)
    for index, (first, last) in plan.lifetimes.items():
        if first < op <= last:
            start = plan.offsets[index]
            alive[start : start + graph.tensor(index).bytes] = True
    arena[~alive] = poison
