# SPDX-License-Identifier: Apache-2.0
"""Ranges in the int8 file: exactly those chosen, on every kind of op; and the converter's two
silent defects, which ours do not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.load import load_model
from edgekit.model.tf import keras, tensorflow
from edgekit.quantize.convert import Quantized, convert_int8
from edgekit.quantize.ranges import choose_ranges, method_named
from edgekit.quantize.statistics import NO_ERROR_DB, tensor_statistics
from edgekit.tflite.graph import Graph, Op
from edgekit.tflite.reader import read_graph

needs_tf = pytest.mark.needs_tf
RNG = np.random.default_rng(3)
MOVING = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "RESHAPE", "PAD", "TRANSPOSE", "CONCATENATION")
MOVING += ("RESIZE_BILINEAR", "MAXIMUM", "MINIMUM", "STRIDED_SLICE", "SPLIT", "REDUCE_MAX")


def _int8(model: Any, x: Any = None, method: str = "mse") -> tuple[Quantized, Graph, Graph]:
    loaded = load_model(model)
    if x is None:
        x = [RNG.normal(0, 2, (30, *spec.shape)).astype(np.float32) for spec in loaded.inputs]
    done = convert_int8(loaded, loaded.inputs, x, method=method)
    assert done.float_file is not None
    return done, read_graph(done.tflite), read_graph(done.float_file)


def _ends(graph: Graph, index: int) -> tuple[float, float]:
    quant = graph.tensor(index).q
    return (-128 - quant.zero_point) * quant.scale, (127 - quant.zero_point) * quant.scale


def _is_range(graph: Graph, index: int, low: float, high: float) -> bool:
    """Whether a tensor has this range, moved so that 0 is a whole number: by less than a step."""
    step = (high - low) / 255
    ends = _ends(graph, index)
    return graph.tensor(index).q.scale == pytest.approx(step, rel=1e-5) and ends == pytest.approx(
        (low, high), abs=0.51 * step
    )


def _pairs(floats: Graph, graph: Graph) -> list[tuple[Op, Op]]:
    after = [op for op in graph.ops if op.kind not in ("QUANTIZE", "DEQUANTIZE")]
    assert [op.kind for op in floats.ops] == [op.kind for op in after]
    return list(zip(floats.ops, after, strict=True))


def _graphs() -> dict[str, Callable[[Any, Any], Any]]:
    k = keras().layers
    ops = keras().ops

    def conv(x: Any, units: int = 4) -> Any:
        return k.Conv2D(units, 1, kernel_initializer="random_normal")(x)

    return {
        "pools": lambda x, _: k.AveragePooling2D(2)(conv(k.MaxPooling2D()(conv(x)))),
        "pad and crop": lambda x, _: conv(k.Cropping2D(1)(k.ZeroPadding2D(2)(conv(x)))),
        "reshape": lambda x, _: k.Dense(3)(k.Flatten()(k.Permute((2, 1, 3))(conv(x)))),
        "concat": lambda x, y: conv(k.Concatenate()([conv(x), conv(y, 2), x])),
        "concat of one twice": lambda x, _: (lambda c: k.Concatenate()([c, conv(c), c]))(conv(x)),
        "largest": lambda x, y: conv(k.Maximum()([conv(x), k.Minimum()([conv(x), conv(y)])])),
        "residual": lambda x, _: (lambda c: k.ReLU()(k.Add()([c, conv(conv(c))])))(conv(x)),
        "resize": lambda x, _: conv(k.UpSampling2D(interpolation="bilinear")(conv(x))),
        "split": lambda x, _: k.Multiply()(ops.split(conv(x), 2, axis=-1)),
        "means": lambda x, _: k.Dense(3)(k.GlobalAveragePooling2D()(conv(x))),
        "maxima": lambda x, _: k.Dense(3)(k.GlobalMaxPooling2D()(conv(x))),
        "activations": lambda x, _: k.Concatenate()(
            [k.Activation(name)(conv(x)) for name in ("tanh", "sigmoid", "silu", "softmax")]
        ),
        "leaky": lambda x, _: k.PReLU()(k.LeakyReLU()(conv(x))),
        "depthwise": lambda x, _: k.SeparableConv2D(5, 3)(k.DepthwiseConv2D(3)(x)),
        "two outputs": lambda x, y: [conv(x), k.Softmax()(conv(y))],
    }


NAMES = ("pools", "pad and crop", "reshape", "concat", "concat of one twice", "largest")
NAMES += ("residual", "resize", "split", "means", "maxima", "activations", "leaky", "depthwise")
NAMES += ("two outputs",)


@needs_tf
@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_has_the_range_that_was_chosen(name: str) -> None:
    """Or that of a neighbour, where the op moves integers and both have to share one."""
    x, y = keras().Input((8, 8, 4)), keras().Input((8, 8, 4))
    made = _graphs()[name](x, y)
    outputs = made if isinstance(made, list) else [made]
    inputs = [x, y] if name in ("concat", "largest", "two outputs") else [x]
    done, graph, floats = _int8(keras().Model(inputs, outputs))
    assert done.method == "mse" and done.measured is not None and not done.remarks
    ranges = choose_ranges(done.measured, method_named("mse")).ranges
    tied = {i for op in floats.ops if op.kind in MOVING for i in (*op.inputs, *op.outputs)}
    checked = 0
    for before, after in _pairs(floats, graph):
        assert len(set(before.inputs)) == len(set(after.inputs))
        index, number = before.outputs[0], after.outputs[0]
        if before.kind in MOVING:
            moved = [i for i in (*after.inputs, number) if not graph.tensor(i).is_constant]
            assert len({graph.tensor(i).q.scales for i in moved}) == 1
            assert len({graph.tensor(i).q.zero_points for i in moved}) == 1
        elif before.kind not in ("SOFTMAX", "LOGISTIC", "TANH") and index not in tied:
            assert _is_range(graph, number, *ranges[index]), before.kind
            checked += 1
    assert checked or name in ("concat of one twice", "pools", "activations")
    plain = _int8(keras().Model(inputs, outputs), method="converter")[1]
    assert [op.kind for op in plain.ops] == [op.kind for op in graph.ops]


@needs_tf
@pytest.mark.parametrize("method", ["converter", "minmax", "percentile", "mse", "kl"])
@pytest.mark.parametrize(("divisor", "scale"), [(1, 1.0), (255, 1 / 255)])
def test_images_keep_their_full_range(method: str, divisor: float, scale: float) -> None:
    image = keras().Input((6, 6, 3))
    model = keras().Model(image, keras().layers.Conv2D(2, 3)(image))
    x = RNG.integers(0, 256 if method == "converter" else 200, (20, 6, 6, 3))
    x[0, 0, 0] = 255 if method == "converter" else 3
    graph = _int8(model, [(x / divisor).astype(np.float32)], method)[1]
    quant = graph.tensor(graph.inputs[0]).q
    assert quant.scale == pytest.approx(scale, rel=1e-6) and quant.zero_point == -128


def _residual() -> tuple[Any, list[np.ndarray]]:
    """A narrow tensor that an ADD puts a wide one on, in a place that the planner shares."""
    k = keras().layers
    x = keras().Input((8, 8, 4), name="x")
    a = k.Conv2D(4, 1, name="narrow", kernel_initializer=_eye(0.1))(x)
    b = k.Conv2D(4, 1, name="wide", kernel_initializer=_eye(10.0))(x)
    after = k.Conv2D(2, 1)(k.ReLU()(k.Add(name="sum")([a, b])))
    return keras().Model(x, after), [np.abs(RNG.normal(0, 1, (30, 8, 8, 4))).astype(np.float32)]


def _eye(scale: float) -> Any:
    return keras().initializers.Constant(scale * np.eye(4).reshape(1, 1, 4, 4))


@needs_tf
def test_the_converter_joins_ranges_of_residual_inputs_and_ours_do_not() -> None:
    """https://github.com/tensorflow/tensorflow/issues/127842, in TensorFlow 2.21."""
    model, x = _residual()

    def width(method: str) -> float:
        _, graph, _ = _int8(model, x, method)
        narrow = next(op for op in graph.ops if op.layer == "narrow")
        low, high = _ends(graph, narrow.outputs[0])
        return high - low

    true = 0.1 * float(x[0].max())
    assert width("minmax") == pytest.approx(true, rel=0.02)
    assert width("mse") <= 1.02 * true
    if tensorflow().__version__.startswith("2.21"):
        assert width("converter") > 10 * true


def _half_faked() -> tuple[Any, list[np.ndarray]]:
    """Fake quantization behind a ReLU, and none on the logits behind pool and Flatten."""
    tf, k = tensorflow(), keras().layers

    class Fake(k.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return tf.quantization.fake_quant_with_min_max_args(x, 0.0, 6.0)

    x = keras().Input((8, 8, 3))
    y = Fake()(k.Conv2D(4, 3, activation="relu")(x))
    y = k.Flatten()(k.AveragePooling2D(6)(y))
    model = keras().Model(x, k.Dense(3, name="logits", bias_initializer="ones")(y))
    return model, [RNG.normal(0, 1, (30, 8, 8, 3)).astype(np.float32)]


@needs_tf
def test_fake_quantization_with_a_dataset_spoils_a_bias_and_ours_does_not() -> None:
    from edgekit.quantize.checks import check_bias_scales

    model, x = _half_faked()
    for method in ("mse", "minmax"):
        _, graph, _ = _int8(model, x, method)
        check_bias_scales(graph)
        conv = next(op for op in graph.ops if op.kind == "CONV_2D")
        assert _is_range(graph, conv.outputs[0], 0.0, 6.0)  # the range that the model asks for
    _, graph, _ = _int8(model, x, "converter")
    if tensorflow().__version__.startswith("2.21"):
        with pytest.raises(EdgekitError, match="'logits' a bias scale"):
            check_bias_scales(graph)


@needs_tf
def test_subclassed_shared_and_several_inputs_get_our_ranges_too() -> None:
    module = keras()

    class Own(module.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first = module.layers.Dense(6, activation="relu")
            self.last = module.layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.last(self.first(x))

    own = Own()
    own(np.zeros((1, 5), np.float32))
    assert _int8(own)[0].method == "mse"
    shared = module.layers.Dense(4, name="twice")
    a, b = module.Input((4,)), module.Input((4,))
    model = module.Model([a, b], [module.layers.Add()([shared(a), shared(b)]), shared(shared(a))])
    x = [RNG.normal(0, s, (20, 4)).astype(np.float32) for s in (1, 100)]
    done, graph, _ = _int8(model, x)
    assert done.method == "mse"
    widths = [np.ptp(_ends(graph, i)) for i in graph.inputs]
    assert widths[1] > 20 * widths[0]


@needs_tf
def test_a_dead_tensor_gets_a_range_and_a_remark() -> None:
    k = keras().layers
    x = keras().Input((4,))
    dead = k.Dense(3, activation="relu", kernel_initializer="zeros", name="dead")(x)
    done, graph, _ = _int8(keras().Model(x, k.Dense(2, bias_initializer="ones")(dead)))
    assert "nothing but 0 came out of 'dead'" in done.remarks[0]
    assert all(1e-3 < graph.output_of(op).q.scale < 1 for op in graph.ops)


@needs_tf
def test_a_layer_that_overflows_is_named() -> None:
    k = keras().layers
    x = keras().Input((4,))
    big = k.Dense(3, kernel_initializer=keras().initializers.Constant(3e38), name="big")(x)
    with pytest.raises(EdgekitError, match="'big' gives NaN or infinity"):
        _int8(keras().Model(x, big), [np.full((3, 4), 9.0, np.float32) * [[1], [2], [3]]])


@needs_tf
def test_statistics_are_those_of_the_tensors() -> None:
    k = keras().layers
    x = keras().Input((6, 6, 3))
    model = keras().Model(x, k.Conv2D(4, 3, activation="relu", name="conv")(x))
    images = RNG.integers(0, 256, (20, 6, 6, 3)).astype(np.float32)
    images[0, 0, 0, 0] = 255
    done, graph, floats = _int8(model, [images])
    rows = {row.kind: row for row in tensor_statistics(graph, floats, done.measured)}
    assert rows["input"].sqnr_db == NO_ERROR_DB and rows["input"].max == 255
    real = load_model(model)([images])[0]
    row = rows["output"]
    assert (row.layer, row.min, row.max) == ("conv", 0.0, pytest.approx(real.max(), rel=1e-4))
    assert row.mean == pytest.approx(real.mean(), rel=1e-4)
    assert row.std == pytest.approx(real.std(), rel=1e-4)
    assert sum(row.histogram) == real.size
    held = np.clip(np.round(real / graph.output_of(graph.ops[-1]).q.scale), 0, 255)
    error = np.mean((held * graph.output_of(graph.ops[-1]).q.scale - real) ** 2)
    assert row.sqnr_db == pytest.approx(10 * np.log10(np.mean(real**2) / error), abs=0.6)
    kernel = rows["weights"]
    weights = np.asarray(model.get_layer("conv").kernel)
    assert (kernel.min, kernel.max) == pytest.approx((weights.min(), weights.max()), rel=1e-4)
    assert 35 < (kernel.sqnr_db or 0) < 60 and kernel.clipped == 0
