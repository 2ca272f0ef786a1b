# SPDX-License-Identifier: Apache-2.0
"""Folding batch norm: outputs equal to float precision, on models of every shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.load import call_keras
from edgekit.model.tf import keras
from edgekit.quantize.fold import Folded, fold_model
from tests.random_graphs.apply import build
from tests.random_graphs.draw import draw_spec


def _trained_norms(model: Any, seed: int = 3) -> Any:
    """Gives every batch norm statistics and weights that matter."""
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([rng.uniform(0.3, 2.0, w.shape) for w in layer.get_weights()])
    return model


def _check(model: Any, *, samples: int = 3) -> Folded:
    _trained_norms(model)
    rng = np.random.default_rng(0)
    x = [
        rng.uniform(-2.0, 2.0, (samples, *(side or 5 for side in t.shape[1:]))).astype(np.float32)
        for t in model.inputs
    ]
    before = model.get_config()
    folded = fold_model(model)
    assert model.get_config() == before
    assert not [x for x in folded.model.layers if type(x).__name__ == "BatchNormalization"]
    for built in (folded.model, folded.rebuild()):
        for wanted, got in zip(call_keras(model, x), call_keras(built, x), strict=True):
            assert wanted.shape == got.shape
            scale = max(1.0, float(np.abs(wanted).max()))
            assert np.abs(wanted - got).max() <= 2e-5 * scale
    names = [point.name for point in folded.points]
    assert len(set(names)) == len(names)
    assert len(call_keras(folded.observer(), x)) == len(folded.points)
    return folded


def _layers() -> Any:
    return keras().layers


@pytest.mark.parametrize(
    "make",
    [
        lambda k: k.Conv2D(4, 3, use_bias=False),
        lambda k: k.Conv2D(4, 3, padding="same", strides=2),
        lambda k: k.Conv2D(4, 2, groups=2, dilation_rate=2),
        lambda k: k.DepthwiseConv2D(3, depth_multiplier=2),
        lambda k: k.SeparableConv2D(5, 3, use_bias=False),
        lambda k: k.Conv2DTranspose(3, 3, strides=2),
        lambda k: k.Dense(6, use_bias=False),
    ],
)
def test_batch_norm_goes_into_the_kernel_before_it(make: Any) -> None:
    k = _layers()
    layer = make(k)
    model = keras().Sequential(
        [k.Input((8, 8, 4)), layer, k.BatchNormalization(), k.ReLU(), k.Flatten(), k.Dense(3)]
    )
    folded = _check(model)
    assert list(folded.merged.values()) == [layer.name]
    assert not [x for x in folded.model.layers if type(x).__name__ == "Affine"]


@pytest.mark.parametrize(
    "make",
    [
        lambda k: k.Conv1D(4, 3, use_bias=False),
        lambda k: k.DepthwiseConv1D(3),
        lambda k: k.SeparableConv1D(4, 3),
        lambda k: k.Conv1DTranspose(4, 3),
    ],
)
def test_batch_norm_in_one_dimension(make: Any) -> None:
    k = _layers()
    model = keras().Sequential(
        [k.Input((9, 3)), make(k), k.BatchNormalization(scale=False), k.Activation("tanh")]
    )
    assert len(_check(model).merged) == 1


def test_batch_norm_without_a_kernel_becomes_an_affine_layer() -> None:
    k = _layers()
    x = k.Input((6, 6, 3))
    y = k.BatchNormalization(name="first", center=False)(x)
    y = k.Conv2D(3, 3, padding="same", activation="relu", name="active")(y)
    y = k.BatchNormalization(name="after_relu")(y)
    y = k.Add()([x, y])
    model = keras().Model(x, k.BatchNormalization(name="after_add")(y))
    folded = _check(model)
    assert not folded.merged
    assert sum(type(x).__name__ == "Affine" for x in folded.model.layers) == 3


def test_a_kernel_with_a_second_use_keeps_its_batch_norm() -> None:
    k = _layers()
    x = k.Input((6, 6, 3))
    y = k.Conv2D(3, 1, name="conv")(x)
    model = keras().Model(x, [k.BatchNormalization()(y), k.ReLU()(y)])
    assert not _check(model).merged


def test_shared_layers_and_nested_models() -> None:
    k, module = _layers(), keras()
    inner_in = k.Input((6, 6, 3))
    inner = module.Model(
        inner_in, k.ReLU()(k.BatchNormalization()(k.Conv2D(3, 3, padding="same")(inner_in)))
    )
    outer = module.Sequential([k.Input((6, 6, 3)), inner, k.Dropout(0.5)], name="outer")
    conv, norm = k.Conv2D(3, 1, name="twice"), k.BatchNormalization()
    a, b = k.Input((6, 6, 3)), k.Input((6, 6, 3))
    left, right = norm(conv(outer(a))), norm(conv(outer(b)))
    joined = k.Concatenate()([left, right])
    model = module.Model([a, b], [k.Dense(2, activation="softmax")(joined), k.ReLU()(left)])
    folded = _check(model)
    assert len(folded.merged) == 2
    assert "twice#2" in [point.name for point in folded.points]


def test_one_batch_norm_for_two_kernels_stays() -> None:
    k = _layers()
    x = k.Input((6, 6, 3))
    norm = k.BatchNormalization()
    y = k.Add()([norm(k.Conv2D(4, 1)(x)), norm(k.Conv2D(4, 1)(x))])
    assert not _check(keras().Model(x, y)).merged


def test_points_know_what_shares_a_range_and_what_is_fixed() -> None:
    k = _layers()
    model = keras().Sequential(
        [
            k.Input((8, 8, 3), name="image"),
            k.Conv2D(4, 3, name="conv"),
            k.ReLU(name="relu"),
            k.MaxPooling2D(name="pool"),
            k.Flatten(name="flat"),
            k.Dense(4, activation="softmax", name="scores"),
        ]
    )
    points = {point.name: point for point in _check(model).points}
    assert "conv" not in points  # the ReLU is part of it in the int8 graph
    assert points["flat"].same_as == points["pool"].same_as == "relu"
    assert points["scores_softmax"].fixed == (0.0, 255 / 256)
    assert points["scores_softmax"].role == "output" and points["scores"].role == "inner"
    assert points["image"].role == "input"


def test_fake_quant_is_put_in_at_every_point() -> None:
    k = _layers()
    model = keras().Sequential([k.Input((4,)), k.Dense(3, activation="relu"), k.Dense(2)])
    folded = _check(model)
    heard: list[str] = []

    def wrap(point: Any, tensor: Any) -> Any:
        heard.append(point.name)
        return k.Activation("linear")(tensor)

    folded.rebuild(wrap)
    assert heard == [point.name for point in folded.points]


def test_a_subclassed_model_is_refused() -> None:
    class Own(keras().Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(EdgekitError, match="has no graph of layers"):
        fold_model(Own())


@pytest.mark.parametrize("seed", range(1, 25))
def test_random_graphs_fold_to_equal_models(seed: int) -> None:
    _check(build(draw_spec(seed)), samples=1)  # some are built for one sample at a time
