# SPDX-License-Identifier: Apache-2.0
"""Functions of one value become tables: found in float graphs, exact to a step in int8 files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.model.tf import keras
from edgekit.quantize.tables import find_islands, float_graph
from edgekit.tflite.golden import TflmGolden, tflm_version
from edgekit.tflite.reader import read_graph
from edgekit.verbs.convert import convert
from tests.support.exact import check_bit_exact
from tests.support.tflite_builder import ModelBuilder

SHAPE = (1, 3, 4)


def softplus_and_more() -> bytes:
    """log(1 + exp(x)), of which exp(x) also leaves the graph; |x| is no such function."""
    b = ModelBuilder()
    x = b.input(SHAPE, "float32")
    grown = b.op("EXP", [x], SHAPE, "float32")
    one = b.constant(np.float32(1.0))
    raised = b.op("ADD", [grown, one], SHAPE, "float32")
    plus = b.op("LOG", [raised], SHAPE, "float32")
    size = b.op("ABS", [x], SHAPE, "float32")
    return b.finish([plus, grown, size])


def test_islands_end_where_others_read() -> None:
    islands = find_islands(read_graph(softplus_and_more()))
    same = find_islands(float_graph(softplus_and_more()))
    assert [[op.kind for op in i.ops] for i in same] == [[op.kind for op in i.ops] for i in islands]
    assert [[op.kind for op in island.ops] for island in islands] == [
        ["EXP"],
        ["EXP", "ADD", "LOG"],
    ]
    x = np.linspace(-3, 3, 7)
    np.testing.assert_allclose(islands[1](x), np.log1p(np.exp(x)))


def test_a_value_that_is_none_is_zero_and_an_infinite_one_the_end_of_the_range() -> None:
    b = ModelBuilder()
    x = b.input(SHAPE, "float32")
    (island,) = find_islands(read_graph(b.finish([b.op("LOG", [x], SHAPE, "float32")])))
    assert island(np.array([-1.0, 1.0]))[0] == 0.0
    assert island(np.array([0.0]))[0] == -np.inf


def test_different_numbers_or_tensors_are_no_island() -> None:
    b = ModelBuilder()
    x, other = b.input(SHAPE, "float32"), b.input(SHAPE, "float32")
    many = b.constant(np.arange(4, dtype=np.float32))
    first = b.op("DIV", [x, many], SHAPE, "float32")
    second = b.op("DIV", [x, other], SHAPE, "float32")
    assert find_islands(read_graph(b.finish([first, second]))) == ()


def stored(graph: Any, kinds: list[str]) -> None:
    assert [op.kind for op in graph.ops if op.kind != "CONV_2D"] == kinds


def converted(function: Any, tmp_path: Path) -> tuple[Any, Path, np.ndarray]:
    module = keras()
    module.utils.set_random_seed(1)
    x = module.Input((6, 6, 3))
    y = module.layers.Conv2D(4, 3, name="before")(x)
    model = module.Model(x, [y, function(y)], name="net")
    data = np.random.default_rng(0).normal(size=(40, 6, 6, 3)).astype(np.float32)
    record = convert(model, data, out=tmp_path / "out", name="m", samples=30)
    assert record.runtimes == {"aot": "", "tflm": ""}
    return model, record.tflite, data


FUNCTIONS: dict[str, Any] = {
    "selu": lambda y: keras().activations.selu(y),
    "mish": lambda y: keras().ops.tanh(keras().ops.softplus(y)) * y,
    "bell": lambda y: keras().ops.exp(-keras().ops.square(y)),
    "root": lambda y: keras().ops.sqrt(keras().ops.abs(y) + 1.0),
    "choice": lambda y: keras().ops.where(y > 0.3, y, -0.5 * y),
    "sine": lambda y: keras().ops.sin(3.0 * y) * y,
}


@pytest.mark.needs_tf
@pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter: pip install tflite-micro")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_entries_are_the_function_rounded_once(name: str, tmp_path: Path) -> None:
    """Half a step off at most, wherever the range holds the value: checked in the interpreter."""
    _, tflite, data = converted(FUNCTIONS[name], tmp_path)
    golden = TflmGolden(tflite)
    graph = golden.graph
    stored(graph, ["QUANTIZE", "GATHER"])
    source, output = (graph.tensor(index) for index in graph.outputs)
    given = graph.tensor(graph.inputs[0]).q
    for sample in data[:5]:
        x = np.clip(np.round(sample / given.scale) + given.zero_point, -128, 127)
        before, after = golden.run([x[None].astype(np.int8)])
        real = (before.astype(np.float64) - source.q.zero_point) * source.q.scale
        wanted = np.asarray(FUNCTIONS[name](real.astype(np.float32)), np.float64)
        steps = np.clip(wanted / output.q.scale + output.q.zero_point, -128, 127)
        assert np.abs(steps - after).max() <= 0.5 + 1e-3
    check_bit_exact(tflite.read_bytes(), 4)


@pytest.mark.needs_tf
@pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter: pip install tflite-micro")
def test_elu_stays_one_op(tmp_path: Path) -> None:
    _, tflite, _ = converted(lambda y: keras().activations.elu(y), tmp_path)
    stored(read_graph(tflite), ["ELU"])
    check_bit_exact(tflite.read_bytes(), 4)


@pytest.mark.needs_tf
@pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter: pip install tflite-micro")
def test_one_table_reads_another_and_floats_may_go_in_and_out(tmp_path: Path) -> None:
    module = keras()
    x = module.Input((6, 4))
    first = module.ops.exp(x)
    second = module.ops.log(module.ops.mean(first, axis=-1, keepdims=True) + 1.0)
    model = module.Model(x, [first, second], name="net")
    data = np.random.default_rng(0).normal(size=(40, 6, 4)).astype(np.float32)
    options: dict[str, Any] = {"input_dtype": "float32", "output_dtype": "float32", "samples": 30}
    record = convert(model, data, out=tmp_path / "out", name="m", **options)
    assert [op.kind for op in read_graph(record.tflite).ops].count("GATHER") == 2
    check_bit_exact(record.tflite.read_bytes(), 4)
