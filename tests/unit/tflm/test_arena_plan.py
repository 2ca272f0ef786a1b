# SPDX-License-Identifier: Apache-2.0
"""Arena plans of small graphs, worked out by hand; what is refused and how."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.tflite.graph import Graph, Op
from edgekit.tflite.reader import read_graph
from edgekit.tflm.arena import arena_for, plan_arena
from edgekit.tflm.arena.allocate import allocate
from edgekit.tflm.arena.calls import Call, needs
from edgekit.tflm.arena.kernels import target_of
from tests.support.tflite_builder import SAME, ModelBuilder


def _relu(side: int = 100) -> Graph:
    b = ModelBuilder()
    x = b.input((1, side), scale=0.1)
    return read_graph(b.finish([b.op("RELU", [x], (1, side), scale=0.1)]), decode=False)


def _dense(outputs: int, shape: tuple[int, ...] = (1, 8), **options: object) -> Graph:
    b = ModelBuilder()
    x = b.input(shape, scale=0.1)
    w = b.constant(np.ones((outputs, shape[-1]), np.int8), scales=[0.1])
    y = b.op(
        "FULLY_CONNECTED", [x, w, -1], (*shape[:-1], outputs), scale=0.1, options=dict(options)
    )
    return read_graph(b.finish([y]), decode=False)


def _conv(kernel: tuple[int, int], in_c: int, out_c: int, kind: str = "CONV_2D") -> Graph:
    b = ModelBuilder()
    x = b.input((1, 8, 8, in_c), scale=0.1)
    shape = (out_c, *kernel, in_c) if kind == "CONV_2D" else (1, *kernel, out_c)
    axis = 0 if kind == "CONV_2D" else 3
    w = b.constant(np.ones(shape, np.int8), scales=[0.1] * out_c, axis=axis)
    y = b.op(kind, [x, w], (1, 8, 8, out_c), scale=0.1, options={"padding": SAME})
    return read_graph(b.finish([y]), decode=False)


def _scratch(graph: Graph, core: str, kernels: str = "cmsis_nn") -> list[int]:
    """Sizes in the plan of all that is no tensor."""
    plan = plan_arena(graph, kernels=kernels, core=core)
    return [buffer.bytes for buffer in plan.buffers if buffer.op is not None]


def test_one_relu_by_hand() -> None:
    plan = plan_arena(_relu(), kernels="reference", core="cortex-m4")
    # Objects of the interpreter 36 + 44 + 36 + 8 and the subgraph's 8; two eval tensors; one node.
    tail = 36 + 44 + 36 + 8 + 8 + 2 * 12 + 32
    tail = (tail + 28 + 15) // 16 * 16  # op data, aligned
    for _ in range(2):  # a pointer, aligned; a TfLiteTensor, its quantization, one zero point
        tail = (tail + 4 + 15) // 16 * 16 + 32 + 12 + 8
    assert plan.used_bytes == 2 * 112 + tail
    assert sum(part.bytes for part in plan.parts) == plan.arena_bytes
    assert plan.arena_bytes % 16 == 0


def test_any_size_from_the_plan_on_is_accepted() -> None:
    for side in (4, 100, 1000):
        graph = _relu(side)
        plan = plan_arena(graph, kernels="reference", core="cortex-m4")
        calls = allocate(graph, target_of("reference", "cortex-m4")).calls
        assert all(needs(calls, r).least_bytes <= plan.arena_bytes for r in range(16))
        assert needs(calls).least_bytes > plan.arena_bytes - 32


def test_what_is_live_together_lies_apart() -> None:
    plan = plan_arena(_conv((3, 3), 4, 6), kernels="cmsis_nn", core="cortex-m4")
    spans = [
        (at, at + b.bytes, b.first, b.last)
        for at, b in zip(plan.offsets, plan.buffers, strict=True)
    ]
    for i, (start, end, first, last) in enumerate(spans):
        for other_start, other_end, other_first, other_last in spans[:i]:
            apart = end <= other_start or other_end <= start
            assert apart or last < other_first or other_last < first


@pytest.mark.parametrize(
    ("core", "sizes"),
    [
        # column of 3x3x4 int8: two of int16 without MVE, four of int8 padded to 16 with it
        ("cortex-m0plus", [144]),
        ("cortex-m4", [144]),
        ("cortex-m55", [192]),
    ],
)
def test_columns_of_a_convolution(core: str, sizes: list[int]) -> None:
    assert _scratch(_conv((3, 3), 4, 6), core) == sizes


def test_a_1x1_convolution_needs_no_columns() -> None:
    for core in ("cortex-m3", "cortex-m7", "cortex-m55"):
        assert _scratch(_conv((1, 1), 4, 6), core) == []


@pytest.mark.parametrize(
    ("core", "kernel", "sizes"),
    [
        ("cortex-m3", (5, 5), []),
        ("cortex-m4", (3, 3), []),  # a kernel of its own
        ("cortex-m4", (5, 5), [2 * 25 * 4]),
        ("cortex-m55", (3, 3), [(4 * 124 * 9 + 15) // 16 * 16]),
    ],
)
def test_depthwise_buffers(core: str, kernel: tuple[int, int], sizes: list[int]) -> None:
    sizes = [(size + 15) // 16 * 16 for size in sizes]
    assert _scratch(_conv(kernel, 4, 4, "DEPTHWISE_CONV_2D"), core) == sizes


def test_kernel_sums_stay_on_mve_alone() -> None:
    def sums(core: str) -> int:
        plan = plan_arena(_dense(40), kernels="cmsis_nn", core=core)
        return sum(part.bytes for part in plan.parts if part.name == "kernel sums")

    assert sums("cortex-m4") == 0
    assert 160 <= sums("cortex-m55") < 176


def test_a_dense_layer_on_rows_fakes_channels() -> None:
    assert _scratch(_dense(5, (1, 3, 8), keep_num_dims=True), "cortex-m4") == [48]
    assert _scratch(_dense(5, (1, 3, 7), keep_num_dims=True), "cortex-m4") == []


def test_the_reference_kernels_are_the_same_on_every_cortex() -> None:
    graph = _conv((3, 3), 4, 6)
    sizes = {plan_arena(graph, kernels="reference", core=f"cortex-{c}").arena_bytes for c in
             ("m0plus", "m3", "m4", "m33", "m55")}  # fmt: skip
    assert len(sizes) == 1


def test_the_larger_kernel_set_wins() -> None:
    graph = _dense(200)
    both = [plan_arena(graph, kernels=k, core="cortex-m55") for k in ("reference", "cmsis_nn")]
    assert arena_for(graph, "cortex-m55") == both[1]
    assert both[1].arena_bytes > both[0].arena_bytes + 700
    assert arena_for(graph, "host").kernels == "reference"
    assert arena_for(graph, "rv32imc").arena_bytes > both[0].arena_bytes  # enums are ints there


def test_the_largest_tensors_are_tensors() -> None:
    plan = plan_arena(_dense(400), kernels="reference", core="cortex-m4")
    assert [buffer.bytes for buffer in plan.largest(3)] == [400, 16]
    conv = plan_arena(_conv((5, 5), 64, 1), kernels="cmsis_nn", core="cortex-m4")
    assert max(buffer.bytes for buffer in conv.buffers) == 4 * 1600
    assert [buffer.bytes for buffer in conv.largest(3)] == [4096, 64]


def test_an_op_whose_needs_are_not_known() -> None:
    graph = _relu()
    op = Op(0, "CUSTOM:MY_OP", graph.ops[0].inputs, graph.ops[0].outputs, layer="mine")
    with pytest.raises(EdgekitError, match=r"op 0 \(MY_OP, layer 'mine'\)"):
        plan_arena(replace(graph, ops=(op,)), kernels="reference", core="cortex-m4")


def test_an_op_without_its_inputs() -> None:
    graph = _conv((3, 3), 4, 6)
    op = replace(graph.ops[0], inputs=graph.ops[0].inputs[:1])
    with pytest.raises(EdgekitError, match="do not fit together"):
        plan_arena(replace(graph, ops=(op,)), kernels="reference", core="cortex-m4")


def test_unknown_kernels_and_cores() -> None:
    with pytest.raises(EdgekitError, match="no kernel set 'esp_nn'"):
        plan_arena(_relu(), kernels="esp_nn", core="cortex-m4")
    with pytest.raises(EdgekitError, match="no kernels for the core rv32imc"):
        plan_arena(_relu(), kernels="cmsis_nn", core="rv32imc")


def test_a_type_that_tflm_lacks() -> None:
    graph = _relu()
    tensors = (replace(graph.tensors[0], dtype="string"), *graph.tensors[1:])
    with pytest.raises(EdgekitError, match="type string"):
        plan_arena(replace(graph, tensors=tensors), kernels="reference", core="cortex-m4")


def test_variables_are_kept_apart_from_activations() -> None:
    graph = _relu()
    state = replace(graph.tensors[0], index=2, name="state", variable=True)
    plan = plan_arena(
        replace(graph, tensors=(*graph.tensors, state)), kernels="reference", core="cortex-m4"
    )
    assert {part.name: part.bytes for part in plan.parts}["variables"] >= 100
    assert "state" not in {buffer.name for buffer in plan.buffers}


def test_the_tail_depends_on_where_the_arena_ends() -> None:
    calls = [Call("persistent", 10, 4, "a"), Call("persistent", 1, 16, "b")]
    assert needs(calls, 0).tail_bytes == 16
    assert needs(calls, 5).tail_bytes == 21
    assert needs(calls, 5).least_bytes == 21


def test_temporary_tensors_lie_on_the_head() -> None:
    calls = [
        Call("head", 100),
        Call("temp", 30, 16, "t"),
        Call("temp", 8, 4, "t"),
        Call("reset"),
        Call("persistent", 64, 16, "p"),
    ]
    assert needs(calls).least_bytes == 176  # 112 + 30, aligned 144 + 8: 152, more than 100 + 64
    assert needs(calls[:3]).least_bytes == 160


def test_an_offline_plan_for_another_number_of_tensors() -> None:
    graph = replace(_relu(), offline=(0,))
    with pytest.raises(EdgekitError, match="places 1 tensors"):
        plan_arena(graph, kernels="reference", core="cortex-m4")


def test_an_offline_plan_moves_the_end() -> None:
    graph = _relu()
    free = plan_arena(graph, kernels="reference", core="cortex-m4")
    fixed = replace(graph, offline=(1024, -1))
    plan = plan_arena(fixed, kernels="reference", core="cortex-m4")
    assert plan.offsets == (1024, 0)
    assert plan.used_bytes - free.used_bytes == 1024 + 112 - 224
