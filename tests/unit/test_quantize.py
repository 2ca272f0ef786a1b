# SPDX-License-Identifier: Apache-2.0
"""Quantization: rounding, full-integer graphs, layer names, and ops that stay float."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.load import load_model
from edgekit.model.tf import keras, tensorflow
from edgekit.quantize.arrays import dequantize_array, quantize_array
from edgekit.quantize.checks import check_bias_scales, check_full_integer
from edgekit.quantize.convert import check_options, convert_int8
from edgekit.quantize.naming import LayerNames
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph

needs_tf = pytest.mark.needs_tf


def test_halves_round_away_from_zero() -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, -0.49999997])
    assert quantize_array(x, 1.0, 0, "int8").tolist() == [1, 2, 3, -1, -2, 0, 0]


def test_values_outside_the_range_are_clipped() -> None:
    assert quantize_array(np.array([-1e9, 1e9]), 0.1, 3, "int8").tolist() == [-128, 127]
    assert quantize_array(np.array([-1e9, 1e9]), 0.1, 3, "uint8").tolist() == [0, 255]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_every_stored_value_survives_the_round_trip(dtype: str) -> None:
    limits = np.iinfo(dtype)
    stored = np.arange(limits.min, limits.max + 1).astype(dtype)
    real = dequantize_array(stored, 0.0235, 17)
    assert np.array_equal(quantize_array(real, 0.0235, 17, dtype), stored)


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("model_1/conv2d_1/Relu;model_1/conv2d_1/BiasAdd", "conv2d"),
        (
            "model_1/act_1/Relu;model_1/conv2d_1_2/BiasAdd;model_1/conv2d_1_2/convolution",
            "conv2d_1",
        ),
        ("model_1/act_2_1/Relu;model_1/add_1/Add", "add"),
        ("model_1/inner_1/conv2d_3/BiasAdd", "inner/conv2d"),
        ("Identity", ""),
    ],
)
def test_layers_behind_the_converters_names(tensor: str, layer: str) -> None:
    known = frozenset(["conv2d", "conv2d_1", "act", "act_2", "add", "inner"])
    assert LayerNames("model", known, ()).layer_path(tensor) == layer


@pytest.mark.parametrize("options", [("int16", "int8", "converter"), ("int8", "int8", "best")])
def test_options_that_do_not_exist(options: tuple[str, str, str]) -> None:
    with pytest.raises(EdgekitError, match="is not one of"):
        check_options(*options)


def quantized(output: Any, image: Any, **options: str) -> Graph:
    """The graph of a Keras model given by its tensors, converted with random calibration."""
    loaded = load_model(keras().Model(image, output, name="net"))
    rng = np.random.default_rng(0)
    x = [rng.random((20, *spec.shape)).astype(np.float32) for spec in loaded.inputs]
    graph = read_graph(convert_int8(loaded, loaded.inputs, x, **options).tflite)
    check_full_integer(graph, "net", converted=True)
    check_bias_scales(graph)
    return graph


def small_net() -> tuple[Any, Any]:
    layers = keras().layers
    image = keras().Input((6, 6, 2), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="first")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="bend")(x)
    x = layers.Add(name="sum")([x, layers.Conv2D(4, 1, name="second")(x)])
    x = layers.Flatten(name="flat")(x)
    return layers.Dense(3, activation="softmax", name="scores")(x), image


@needs_tf
def test_batch_one_leaves_no_shape_arithmetic_and_layers_have_their_names() -> None:
    graph = quantized(*small_net())
    found = [(op.kind, op.layer) for op in graph.ops]
    assert ("CONV_2D", "first") in found and ("CONV_2D", "second") in found
    assert ("ADD", "sum") in found and found[-1] == ("SOFTMAX", "scores")
    assert not {"SHAPE", "STRIDED_SLICE", "PACK"} & {kind for kind, _ in found}
    assert [graph.tensor(i).shape for i in graph.inputs] == [(1, 6, 6, 2)]
    kernel = graph.input_of(graph.ops[0], 1)
    assert kernel.name == "net/first/kernel" and kernel.q.per_channel


@needs_tf
@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_input_and_output_types(dtype: str) -> None:
    graph = quantized(*small_net(), input_dtype=dtype, output_dtype=dtype)
    ends = [graph.tensor(index).dtype for index in (*graph.inputs, *graph.outputs)]
    assert ends == [dtype, dtype]


@needs_tf
@pytest.mark.parametrize(
    ("function", "op"),
    [
        (lambda tf, x: tf.math.erf(x), "Erf"),
        (lambda tf, x: tf.math.atan2(x, tf.transpose(x, [0, 2, 1, 3])), "ATAN2"),
        (lambda tf, x: tf.pow(tf.abs(x), tf.transpose(x, [0, 2, 1, 3])), "POW"),
    ],
)
def test_an_op_without_int8_names_itself_and_its_layer(function: Any, op: str) -> None:
    class Odd(keras().layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return function(tensorflow(), x) * 2

    image = keras().Input((6, 6, 2))
    x = keras().layers.Conv2D(4, 3)(image)
    with pytest.raises(EdgekitError) as caught:
        quantized(Odd(name="odd_one")(x), image)
    assert op in str(caught.value) and "'odd_one'" in str(caught.value) and caught.value.hint


@needs_tf
def test_a_loop_is_refused_before_it_crashes_the_converter() -> None:
    class Memory(keras().layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            tf = tensorflow()
            return tf.while_loop(lambda i, _: i < 9, lambda i, y: (i + 1, y + x), (0, x))[1]

    steps = keras().Input((5, 3))
    with pytest.raises(EdgekitError, match="'memory'") as caught:
        quantized(Memory(name="memory")(steps), steps)
    assert "unroll" in caught.value.hint


@needs_tf
def test_nothing_of_the_converter_is_heard(capfd: pytest.CaptureFixture[str]) -> None:
    quantized(*small_net())
    said = capfd.readouterr()
    assert said.out + said.err == ""


@needs_tf
def test_a_layer_name_that_tensorflow_cannot_use_is_named() -> None:
    module = keras()
    model = module.Sequential([module.Input((8,)), module.layers.Dense(4, name="a b")], name="ok")
    loaded = load_model(model)
    with pytest.raises(EdgekitError, match="cannot convert the name 'a b'") as caught:
        convert_int8(loaded, loaded.inputs, [np.ones((2, 8), np.float32)])
    assert "rename that model or layer" in caught.value.hint
