# SPDX-License-Identifier: Apache-2.0
"""A Keras LSTM becomes one int8 op: converted, named, in order, and as the float model computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras
from edgekit.tflite.golden import tflm_version
from edgekit.tflite.graph import Graph, Op
from edgekit.tflite.reader import read_graph
from edgekit.verbs.convert import convert
from tests.support.sqnr import sqnr_db

pytestmark = [
    pytest.mark.needs_tf,
    pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter: pip install tflite-micro"),
]
KIND = "UNIDIRECTIONAL_SEQUENCE_LSTM"
SQNR = 25.0  # dB; step by step in int8 such models give about 7 dB less


def lstms(graph: Graph) -> list[Op]:
    return [op for op in graph.ops if op.kind == KIND]


def two_inputs_and_outputs() -> tuple[Any, dict[str, np.ndarray]]:
    """Names whose order is not that of their letters, and layers of equal sides."""
    module = keras()
    module.utils.set_random_seed(3)
    layers = module.layers
    a, b = module.Input((6, 8), name="zed"), module.Input((6, 8), name="alpha")
    first = layers.LSTM(5, return_sequences=True, name="first")(a)
    second = layers.LSTM(5, return_sequences=True, name="second")(b)
    y = layers.LSTM(4, name="third")(layers.Concatenate()([first, second]))
    model = module.Model([a, b], [layers.Conv1D(3, 2, name="e")(second), y], name="net")
    rng = np.random.default_rng(0)
    data = {name: rng.normal(size=(60, 6, 8)).astype(np.float32) for name in ("zed", "alpha")}
    return model, data


def test_inputs_outputs_and_layers_keep_order_and_names(tmp_path: Path) -> None:
    model, data = two_inputs_and_outputs()
    record = convert(model, data, out=tmp_path / "out", name="m", samples=40)
    graph = read_graph(record.tflite)
    assert [graph.tensor(index).name for index in graph.inputs] == ["zed", "alpha"]
    assert [graph.tensor(index).shape for index in graph.outputs] == [(1, 5, 3), (1, 4)]
    assert sorted(op.layer for op in lstms(graph)) == ["first", "second", "third"]
    assert record.runtimes == {"aot": "", "tflm": ""}
    assert any("'first'" in text and "Reset()" in text for text in record.warnings)


def test_states_have_the_scale_of_the_outputs(tmp_path: Path) -> None:
    model, data = two_inputs_and_outputs()
    record = convert(model, data, out=tmp_path / "out", name="m", samples=40)
    graph = read_graph(record.tflite)
    for op in lstms(graph):
        assert graph.input_of(op, 18).q == graph.output_of(op).q
        assert graph.input_of(op, 19).dtype == "int16"


def test_a_long_sequence_is_close_to_the_float_model(tmp_path: Path) -> None:
    module = keras()
    module.utils.set_random_seed(1)
    parts = [module.Input((120, 4)), module.layers.LSTM(8, name="long"), module.layers.Dense(3)]
    x = np.random.default_rng(0).normal(size=(80, 120, 4)).astype(np.float32)
    model = module.Sequential(parts)
    record = convert(model, x, out=tmp_path / "out", name="m", samples=40)
    assert sqnr_db(model, record.tflite, x[:40]) > SQNR


def test_scales_of_the_plain_converter_are_caught(tmp_path: Path) -> None:
    """It gives an LSTM's output the scale of a concatenation behind it, but not its state."""
    module = keras()
    module.utils.set_random_seed(3)
    a, b = module.Input((6, 8)), module.Input((3,))
    y = module.layers.Concatenate()([module.layers.LSTM(5, name="lstm")(a), b])
    model = module.Model([a, b], module.layers.Dense(4)(y))
    rng = np.random.default_rng(0)
    data = dict(
        zip(
            [tensor.name for tensor in model.inputs],
            [
                rng.normal(size=(60, 6, 8)).astype(np.float32),
                rng.normal(0, 9, (60, 3)).astype(np.float32),
            ],
            strict=True,
        )
    )
    with pytest.raises(EdgekitError, match="copies its state"):
        convert(model, data, out=tmp_path / "a", name="m", samples=40, calibration="converter")
    assert convert(model, data, out=tmp_path / "b", name="m", samples=40).runtimes["tflm"] == ""


def test_a_first_state_leaves_the_layer_unrolled(tmp_path: Path) -> None:
    module = keras()
    module.utils.set_random_seed(3)
    a, h, c = (module.Input(shape) for shape in ((4, 3), (5,), (5,)))
    y = module.layers.LSTM(5, name="lstm")(a, initial_state=[h, c])
    model = module.Model([a, h, c], y)
    rng = np.random.default_rng(0)
    names = [tensor.name for tensor in model.inputs]
    shapes = [(40, *tensor.shape[1:]) for tensor in model.inputs]
    data = {n: rng.normal(size=s).astype(np.float32) for n, s in zip(names, shapes, strict=True)}
    graph = read_graph(convert(model, data, out=tmp_path / "out", name="m", samples=30).tflite)
    assert not lstms(graph)


def test_tables_and_fused_lstms_go_together(tmp_path: Path) -> None:
    """The converter's calibrator, which only LSTMs need, looks for a kernel of every kind."""
    module = keras()
    module.utils.set_random_seed(1)
    layers = module.layers
    parts = [layers.Dense(6), layers.Activation("softplus"), layers.LSTM(5), layers.Dense(3)]
    model = module.Sequential([module.Input((10, 4)), *parts])
    x = np.random.default_rng(0).normal(size=(60, 10, 4)).astype(np.float32)
    record = convert(model, x, out=tmp_path / "out", name="m", samples=40)
    assert {"GATHER", KIND} <= {op.kind for op in read_graph(record.tflite).ops}
    assert record.runtimes == {"aot": "", "tflm": ""}
    assert sqnr_db(model, record.tflite, x[:40]) > SQNR
