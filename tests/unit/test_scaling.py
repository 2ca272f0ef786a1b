# SPDX-License-Identifier: Apache-2.0
"""Generated C scales inputs as Python does, and bench notices where it does not."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest

from edgekit.build.parity import differing
from edgekit.emit.scaling import input_scaling, scaling_header
from edgekit.errors import EdgekitError
from edgekit.quantize.arrays import quantize_array
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph
from edgekit.verbs import _parity
from edgekit.verbs.samples import bench_samples
from tests.support.tflite_builder import ModelBuilder

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="no cc: apt-get install gcc")


def graph_of(scale: float, zero_point: int, dtype: str = "int8") -> Graph:
    builder = ModelBuilder()
    x = builder.input((1, 6), dtype, scale=scale, zero_point=zero_point, name="x")
    y = builder.op(
        "RESHAPE", [x, builder.constant([6])], (6,), dtype, scale=scale, zero_point=zero_point
    )
    return read_graph(builder.finish([y]))


@needs_cc
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize(("scale", "zero_point"), [(1.0, 0), (1 / 255, 0), (0.0371, 3), (1e-3, 0)])
def test_c_gives_pythons_integers(scale: float, zero_point: int, dtype: str) -> None:
    graph = graph_of(scale, zero_point, dtype)
    step = np.float32(scale)
    halves = (np.arange(-400, 400, dtype=np.float32) + np.float32(0.5)) * step
    near = np.concatenate([np.nextafter(halves, np.float32(way)) for way in (-1e9, 1e9)])
    rng = np.random.default_rng(0)
    rest = rng.normal(0, 100 * scale, 4000).astype(np.float32)
    ends = np.array([0, -0.0, 1e-30, 1e30, -1e30], np.float32)
    real = np.concatenate([halves, near, rest, ends])
    stored = quantize_array(real, graph.tensor(graph.inputs[0]).q.scale, zero_point, dtype)
    [(header, text)] = scaling_header(graph, "m", "test").items()
    assert differing(header, text, "m_quantize_input_0", real, stored) == 0
    assert differing(header, text, "M_QUANTIZE_INPUT_0", real, stored) == 0
    stored[5] += 1
    assert differing(header, text, "m_quantize_input_0", real, stored) == 1


def test_the_record_names_function_macro_and_range() -> None:
    [found] = input_scaling(graph_of(0.5, -28), "kws")
    assert (found.function, found.macro) == ("kws_quantize_input_0", "KWS_QUANTIZE_INPUT_0")
    assert (found.low, found.high, found.scale, found.zero_point) == (-50.0, 77.5, 0.5, -28)


def test_an_input_of_reals_has_no_function() -> None:
    builder = ModelBuilder()
    x = builder.input((1, 6), "float32", name="x")
    graph = read_graph(builder.finish([builder.op("ABS", [x], (1, 6), "float32")]))
    [found] = input_scaling(graph, "m")
    assert (found.function, found.scale) == ("", None)
    assert _parity.check_parity(graph, [np.ones((2, 6))], [np.ones((2, 6))], "m") is None


@needs_cc
def test_bench_compares_real_samples_and_refuses_a_difference(monkeypatch: Any) -> None:
    graph = graph_of(0.05, -7)
    data = np.random.default_rng(1).uniform(-6, 6, (20, 6)).astype(np.float32)
    samples = bench_samples(graph, data, count=10, seed=0, calibrated=0)
    assert samples.scaling is not None and samples.scaling.values == 60
    assert bench_samples(graph, None, count=10, seed=0, calibrated=0).scaling is None
    wrong = scaling_header(graph_of(0.06, -7), "model", "test")
    monkeypatch.setattr(_parity, "scaling_header", lambda *_: wrong)
    with pytest.raises(EdgekitError, match=r"model_quantize_input_0\(\) in C differs") as caught:
        bench_samples(graph, data, count=10, seed=0, calibrated=0)
    assert caught.value.hint
