# SPDX-License-Identifier: Apache-2.0
"""Removal of constant and dead channels: what is left, and the same bytes as TFLM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.lower.build import macs
from edgekit.lower.passes import run_passes
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph
from tests.support.exact import check_bit_exact
from tests.support.pass_models import QUANT, conv, weights
from tests.support.tflite_builder import RELU, SAME, VALID, ModelBuilder

HUGE = 1 << 30


def total_macs(graph: Graph) -> int:
    return sum(macs(op, graph) for op in graph.ops)


def two_layers(bias: list[int], *, taps: int = 3, function: int = RELU) -> bytes:
    """3x3 to 8 channels, then `taps` x `taps` to 6: what becomes of the 8."""
    rng = np.random.default_rng(4)
    b = ModelBuilder()
    x = b.input((1, 5, 5, 3), **QUANT)
    small = weights(rng, 8, 3, 3, 3) // 16
    y = conv(b, x, (1, 5, 5, 8), small, bias, fused_activation_function=function)
    z = conv(b, y, (1, 5, 5, 6), weights(rng, 6, taps, taps, 8), [0] * 6)
    return b.finish([z])


@pytest.mark.parametrize("taps", [1, 3])
@pytest.mark.parametrize("far", [-HUGE, HUGE, -(1 << 18), (1 << 31) - 1, -(1 << 31)])
def test_constant_channels_go(far: int, taps: int) -> None:
    """A constant at the zero point always goes, another one only where nothing is padded."""
    data = two_layers([0, far, far, 0, far, far, 0, 0], taps=taps)
    wraps = abs(far) > HUGE  # the sum may wrap: then nothing is known
    stays = wraps or (far > 0 and taps == 3)
    check_bit_exact(data, 12)
    graph = run_passes(read_graph(data))
    assert graph.ops[0].outputs == read_graph(data).ops[0].outputs
    hidden = graph.output_of(graph.ops[0])
    assert (hidden.shape[-1], hidden.kept) == ((8, True) if stays else (4, False))


def test_channels_that_no_weight_takes_go() -> None:
    rng = np.random.default_rng(5)
    b = ModelBuilder()
    x = b.input((1, 5, 5, 3), **QUANT)
    y = conv(b, x, (1, 5, 5, 12), weights(rng, 12, 3, 3, 3), [0] * 12)
    y = b.op("AVERAGE_POOL_2D", [y], (1, 4, 4, 12), options={"padding": VALID}, **QUANT)
    w = weights(rng, 6, 1, 1, 12)
    w[..., [0, 3, 4, 9, 11]] = 0
    data = b.finish([conv(b, y, (1, 4, 4, 6), w, [0] * 6)])
    check_bit_exact(data)
    graph = run_passes(read_graph(data))
    assert graph.output_of(graph.ops[0]).shape[-1] == 8  # of 7, to whole fours
    assert graph.output_of(graph.ops[1]).shape[-1] == 8


def test_both_sides_of_an_addition_lose_the_same_channels() -> None:
    rng = np.random.default_rng(6)
    b = ModelBuilder()
    x = b.input((1, 5, 5, 3), **QUANT)
    idle = [0, 0, -HUGE, -HUGE, -HUGE, -HUGE, 0, 0]
    sides = [
        conv(b, x, (1, 5, 5, 8), weights(rng, 8, 1, 1, 3), bias) for bias in (idle, idle[::-1])
    ]
    y = b.op("ADD", sides, (1, 5, 5, 8), scale=0.1)
    flat = b.op("RESHAPE", [y, b.constant([1, 200])], (1, 200), scale=0.1)
    w = b.constant(weights(rng, 5, 200), scales=[0.004, 0.005, 0.006, 0.007, 0.008])
    data = b.finish([b.op("FULLY_CONNECTED", [flat, w, -1], (1, 5), scale=2.0)])
    check_bit_exact(data)
    graph = run_passes(read_graph(data))
    assert [graph.output_of(op).shape[-1] for op in graph.ops] == [4, 4, 4, 100, 5]
    assert total_macs(graph) == total_macs(read_graph(data)) // 2


def test_fully_connected_keeps_its_way_of_rounding() -> None:
    """TFLM rounds its multipliers differently for one weight scale and for several."""
    rng = np.random.default_rng(7)
    b = ModelBuilder()
    x = b.input((1, 20), **QUANT)
    w = b.constant(weights(rng, 3, 20), scales=[0.00331, 0.00517, 0.00749])
    y = b.op("FULLY_CONNECTED", [x, w, -1], (1, 3), scale=0.07)
    last = weights(rng, 4, 3)
    last[:, :2] = 0
    z = b.op("FULLY_CONNECTED", [y, b.constant(last, scale=0.01), -1], (1, 4), scale=0.02)
    data = b.finish([z])
    check_bit_exact(data, 40)
    graph = run_passes(read_graph(data))
    assert graph.input_of(graph.ops[0], 1).q.per_channel


def test_shared_weights_are_thinned_for_one_and_whole_for_the_other() -> None:
    rng = np.random.default_rng(8)
    b = ModelBuilder()
    x = b.input((1, 5, 5, 8), **QUANT)
    shared = b.constant(weights(rng, 8, 1, 1, 8), scale=0.004)
    far = b.constant(np.array([-HUGE] * 4 + [0] * 4, np.int32), scale=0.0002)
    near = b.constant(np.zeros(8, np.int32), scale=0.0002)
    y = b.op("CONV_2D", [x, shared, far], (1, 5, 5, 8), options={"padding": SAME}, **QUANT)
    z = b.op("CONV_2D", [y, shared, near], (1, 5, 5, 8), options={"padding": SAME}, **QUANT)
    data = b.finish([z])
    check_bit_exact(data)
    graph = run_passes(read_graph(data))
    assert [graph.input_of(op, 1).shape for op in graph.ops] == [(4, 1, 1, 8), (8, 1, 1, 4)]


def test_an_output_of_the_model_keeps_all_channels() -> None:
    rng = np.random.default_rng(9)
    b = ModelBuilder()
    x = b.input((1, 5, 5, 3), **QUANT)
    y = conv(b, x, (1, 5, 5, 8), weights(rng, 8, 1, 1, 3), [-HUGE] * 4 + [0] * 4)
    z = conv(b, y, (1, 5, 5, 8), weights(rng, 8, 1, 1, 8), [0] * 8)
    data = b.finish([z, y])
    check_bit_exact(data)
    graph = run_passes(read_graph(data))
    assert graph.output_of(graph.ops[0]).shape[-1] == 8


def test_mlperf_visual_wake_words_loses_half_its_work(shared: Path) -> None:
    path = shared / "models" / "mlperf_tiny" / "vww_96_int8.tflite"
    graph = read_graph(path)
    thin = run_passes(graph)
    used = {i for op in thin.ops for i in op.inputs if thin.tensor(i).dtype == "int8"}
    weight_bytes = sum(thin.tensor(i).bytes for i in used if thin.tensor(i).is_constant)
    assert total_macs(graph) == 7_489_664
    assert total_macs(thin) == 3_766_476
    assert weight_bytes == 30_340
    check_bit_exact(path.read_bytes(), 4, optimize="-O2")
