# SPDX-License-Identifier: Apache-2.0
"""The generated C scales inputs on emulated cores as Python does, with an FPU and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit.boards import load_board
from edgekit.emit import scaling_model
from edgekit.emit.scaling import scaling_header
from edgekit.errors import EdgekitError
from edgekit.quantize.arrays import quantize_array
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph
from edgekit.verbs._core_parity import COUNT, parity_on_core
from edgekit.verbs._parity import ScalingParity, check_parity
from tests.support.small_models import dense_model
from tests.support.tflite_builder import ModelBuilder

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]
CORES = ["qemu-mps2-an385-m0plus", "qemu-mps2-an386", "qemu-stm32vldiscovery"]


def _two_inputs() -> Graph:
    builder = ModelBuilder()
    x = builder.input((1, 6), "int8", scale=0.0371, zero_point=3, name="x")
    z = builder.input((1, 6), "int16", scale=1e-3, name="z")
    y = builder.op("ABS", [x], (1, 6), "int8", scale=0.0371, zero_point=3)
    return read_graph(builder.finish([y, z]))


def _values(scale: float) -> np.ndarray:
    """Halves of steps and their neighbours, the ends, and anything between."""
    halves = (np.arange(-140, 140, dtype=np.float32) + np.float32(0.5)) * np.float32(scale)
    near = [np.nextafter(halves, np.float32(way)) for way in (-1e9, 1e9)]
    ends = np.array([0, 1e30, -1e30], np.float32)
    rest = np.random.default_rng(0).normal(0, 60 * scale, 957).astype(np.float32)
    return np.concatenate([halves, *near, ends, rest]).reshape(-1, 6)


def _asked(graph: Graph) -> tuple[list[np.ndarray], ScalingParity]:
    tensors = [graph.tensor(index) for index in graph.inputs]
    real = [_values(tensor.q.scale) for tensor in tensors]
    stored = [
        quantize_array(array, t.q.scale, t.q.zero_point, t.dtype)
        for array, t in zip(real, tensors, strict=True)
    ]
    found = check_parity(graph, real, stored, "model")
    assert found is not None and not found.core
    return real, found


@pytest.mark.parametrize("board", CORES)
def test_the_core_gives_pythons_integers(board: str) -> None:
    graph = _two_inputs()
    real, host = _asked(graph)
    found = parity_on_core(load_board(board), graph, real, host)
    assert found.core == load_board(board).core
    assert found.core_values == sum(np.unique(array).size for array in real) > 2 * COUNT
    assert (found.values, found.where) == (host.values, host.where)


def test_another_number_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = _two_inputs()
    real, host = _asked(graph)

    def wrong(*arguments: Any) -> dict[str, str]:
        [(name, text)] = scaling_header(*arguments).items()
        return {name: text.replace("rest >= 0.5f", "rest > 0.5f")}

    monkeypatch.setattr(scaling_model, "scaling_header", wrong)
    with pytest.raises(EdgekitError, match=r"_input_0\(\) on cortex-m4 differs .* in \d+ of") as e:
        parity_on_core(load_board("qemu-mps2-an386"), graph, real, host)
    assert e.value.hint


def test_a_board_of_this_host_is_left_to_this_host() -> None:
    graph = _two_inputs()
    real, host = _asked(graph)
    assert parity_on_core(load_board("native"), graph, real, host) is host


def test_bench_asks_the_core_about_real_samples(tmp_path: Path) -> None:
    edgekit.firmware(dense_model(tmp_path / "small.tflite"), out=tmp_path / "fw")
    edgekit.build(tmp_path / "fw")
    shape = read_graph(tmp_path / "small.tflite").tensor(0).shape[1:]
    x = np.random.default_rng(1).normal(0, 0.3, (20, *shape)).astype(np.float32)
    found = edgekit.bench(tmp_path / "fw", x, eval_samples=8).scaling
    assert found is not None
    assert (found.core, found.core_values) == ("cortex-m4", found.values)
    assert edgekit.bench(tmp_path / "fw", eval_samples=2).scaling is None
