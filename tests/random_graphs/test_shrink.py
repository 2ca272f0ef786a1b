# SPDX-License-Identifier: Apache-2.0
"""The harness itself: a broken kernel is seen, and what fails becomes small."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.lower.ops import REGISTRY
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op
from edgekit.tflite.reader import read_graph
from tests.random_graphs.judge import DIFFERENT, EQUAL, FAULTY, judge
from tests.random_graphs.shrink import cut, shrink_ops, shrink_spec
from tests.random_graphs.spec import Spec, Step, without_step
from tests.support.exact import check_bit_exact, needs_tflm
from tests.support.sanitized import SanitizedModel
from tests.support.tflite_builder import ModelBuilder


def _model() -> bytes:
    b = ModelBuilder()
    x = b.input((1, 4, 4, 2), scale=0.1)
    pooled = b.op("AVERAGE_POOL_2D", [x], (1, 3, 3, 2), scale=0.1, options={"padding": 1})
    one = b.constant(np.ones((1, 1, 1, 2), np.int8), scale=0.1)
    added = b.op("ADD", [pooled, one], (1, 3, 3, 2), scale=0.2)
    flat = b.op("RESHAPE", [added, b.constant([1, 18])], (1, 18), scale=0.2)
    return b.finish([flat])


@pytest.fixture
def broken_add(monkeypatch: pytest.MonkeyPatch) -> None:
    real = REGISTRY["ADD"]

    class Broken(type(real)):  # type: ignore[misc]
        kind = ""

        def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
            call = super().lower(op, graph, target)
            data = call.consts[0].data + np.eye(1, 11, 8, dtype=np.int32)  # out_shift + 1
            const = dataclasses.replace(call.consts[0], data=data)
            return dataclasses.replace(call, consts=(const,))

    monkeypatch.setitem(REGISTRY, "ADD", Broken())


def test_sound_model_is_equal() -> None:
    needs_tflm()
    assert judge(_model()).outcome == EQUAL


def test_broken_kernel_is_seen_and_named(broken_add: None) -> None:
    needs_tflm()
    assert judge(_model()).outcome == DIFFERENT
    with pytest.raises(AssertionError, match="op 1 ADD"):
        check_bit_exact(_model())


def test_failing_model_shrinks_to_its_op(broken_add: None) -> None:
    needs_tflm()
    small = shrink_ops(_model(), lambda data: judge(data).outcome == DIFFERENT)
    assert [op.kind for op in read_graph(small).ops] == ["ADD"]


def test_cut_keeps_the_numbers() -> None:
    graph = read_graph(_model())
    again = read_graph(cut(graph, 0, len(graph.ops)))
    assert [op.kind for op in again.ops] == [op.kind for op in graph.ops]
    assert [op.options for op in again.ops] == [op.options for op in graph.ops]
    assert judge(cut(graph, 0, 3)).outcome == judge(_model()).outcome


def test_spec_shrinks_to_the_guilty_step() -> None:
    steps = (
        Step("relu", (0,), {"max_value": 6.0}),
        Step("max_pool", (1,), {"pool_size": 2}),
        Step("multiply", (2, 2), {}),
        Step("flatten", (3,), {}),
    )
    spec = Spec(((8, 8, 4),), steps, (4, 2), seed=0)
    seen: list[Spec] = []

    def convert(candidate: Spec) -> bytes:
        seen.append(candidate)
        return _model()

    shrink_spec(spec, convert, lambda data: any(s.kind == "multiply" for s in seen[-1].steps))
    smallest = min(
        (s for s in seen if any(step.kind == "multiply" for step in s.steps)),
        key=lambda s: (len(s.steps), sum(s.inputs[0])),
    )
    assert [step.kind for step in smallest.steps] == ["multiply"]
    assert smallest.inputs == ((1, 1, 1),)


def test_without_step_joins_what_was_around_it() -> None:
    steps = (Step("a", (0,)), Step("b", (1,)), Step("c", (2, 1)))
    left = without_step(Spec(((3,),), steps, (3, 2), seed=0), 1)
    assert [step.sources for step in left.steps] == [(0,), (1, 1)]
    assert left.outputs == (2, 1)


def test_sanitizer_catches_a_read_out_of_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.lower.build import lower_graph

    program = lower_graph(read_graph(_model()))
    call = program.calls[1]
    shape = dict(call.params["shape"]) | {"d3": 4000}
    wrong = dataclasses.replace(call, params={"shape": shape})
    broken = dataclasses.replace(program, calls=(program.calls[0], wrong, program.calls[2]))
    with pytest.raises(EdgekitError, match="sanitizer"):
        SanitizedModel(broken).run([np.zeros((1, 4, 4, 2), np.int8)])
    assert FAULTY
