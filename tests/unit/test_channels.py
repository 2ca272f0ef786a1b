# SPDX-License-Identifier: Apache-2.0
"""Removing channels that are zero changes nothing, whatever the graph; other ones may not go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, quiet
from edgekit.prune.channels import ChannelGroup, find_groups, remove_channels

pytestmark = pytest.mark.needs_tf


def L() -> Any:  # noqa: N802 - reads as the namespace it is
    return keras().layers


def block(x: Any, filters: int, *, strides: int = 1) -> Any:
    x = L().Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    return L().ReLU()(L().BatchNormalization()(x))


def residual() -> Any:
    image = L().Input((8, 8, 3))
    x = block(image, 10)
    inner = L().BatchNormalization()(L().Conv2D(10, 3, padding="same")(block(x, 7)))
    x = L().ReLU()(L().Add()([x, inner]))
    short = L().Conv2D(14, 1, strides=2)(x)
    x = L().Activation("relu")(short + L().Conv2D(14, 3, padding="same")(block(x, 9, strides=2)))
    x = L().GlobalAveragePooling2D()(x)
    return keras().Model(image, L().Dense(5, activation="softmax")(x))


def separable() -> Any:
    image = L().Input((9, 9, 2))
    x = block(image, 6)
    x = L().DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    x = L().LeakyReLU()(L().BatchNormalization()(x))
    x = L().PReLU(shared_axes=[1, 2])(L().Conv2D(11, 1)(x))
    x = L().SeparableConv2D(8, 3, depth_multiplier=2, activation="relu6")(x)
    x = L().MaxPooling2D(2)(L().ZeroPadding2D(1)(x))
    x = L().Conv2DTranspose(6, 2, strides=2)(L().Dropout(0.3)(x))
    return keras().Model(image, L().Dense(4)(L().GlobalMaxPooling2D()(x)))


def concatenated() -> Any:
    image = L().Input((6, 6, 3))
    a, b = block(image, 5), block(image, 8)
    both = L().Concatenate()([a, image, b])
    c = block(both, 13)
    dense_block = L().Concatenate()([both, c])
    part = L().Conv2D(26 + 3, 1)(L().UpSampling2D(2)(dense_block))
    sums = L().Add()([part, L().UpSampling2D(2)(L().Concatenate()([dense_block]))])
    return keras().Model(image, L().Conv2D(2, 3)(sums))


def flattened() -> Any:
    image = L().Input((5, 4, 2))
    x = L().Flatten()(block(image, 6))
    x = L().BatchNormalization()(L().Dense(12, activation="tanh")(x))
    y = L().Reshape((20, 6))(block(image, 6))
    y = L().Flatten()(L().Conv1D(5, 3, activation="silu")(y))
    return keras().Model(image, L().Dense(3)(L().Concatenate()([x, y])))


def attention() -> Any:
    image = L().Input((6, 6, 3))
    x = block(image, 12)
    gate = L().Dense(5, activation="relu")(L().GlobalAveragePooling2D()(x))
    gate = L().Reshape((1, 1, 12))(L().Dense(12, activation="sigmoid")(gate))
    x = L().Multiply()([x, gate])
    y = L().Subtract()([x, L().Conv2D(12, 3, padding="same")(x)])
    z = L().Maximum()([y, L().Conv2D(12, 1)(y)])
    return keras().Model(image, L().Dense(3)(L().GlobalAveragePooling2D()(z * 0.5)))


def nested() -> Any:
    inside = L().Input((6, 6, 8))
    inner_out = block(block(inside, 10), 8)
    inner = keras().Model(inside, L().Add()([inside, inner_out]), name="inner")
    tail = keras().Sequential(
        [L().Conv2D(9, 3), L().ReLU(), L().Flatten(), L().Dense(7, activation="relu")], name="tail"
    )
    image = L().Input((6, 6, 1))
    x = inner(inner(block(image, 8)))
    return keras().Model(image, L().Dense(2)(tail(x)))


def several() -> Any:
    image, vector = L().Input((6, 6, 1), name="image"), L().Input((4,), name="vector")
    shared = L().Dense(6, activation="relu", name="shared")
    x = L().GlobalAveragePooling2D()(block(image, 9))
    first = shared(L().Dense(5)(x))
    second = shared(L().Dense(5)(vector))
    joined = L().Average()([first, second])
    outputs = {"scores": L().Dense(3, name="scores")(joined), "raw": first}
    return keras().Model({"image": image, "vector": vector}, outputs)


def sequential() -> Any:
    layers = [L().Conv1D(9, 3), L().BatchNormalization(), L().ReLU(), L().AveragePooling1D(2)]
    layers += [L().Conv1D(6, 2), L().GlobalAveragePooling1D(), L().Dense(10), L().Dense(2)]
    return keras().Sequential([L().Input((16, 3)), *layers])


MODELS = {
    f.__name__: f
    for f in (
        residual,
        separable,
        concatenated,
        flattened,
        attention,
        nested,
        several,
        sequential,
    )
}


def randomized(build: Callable[[], Any], rng: np.random.Generator) -> Any:
    """The model with random weights, batch norm's statistics too."""
    model = build()
    for layer in model._flatten_layers():
        for variable in [] if hasattr(layer, "layers") else layer.weights:
            values = rng.normal(0, 1 / np.sqrt(np.prod(variable.shape[:-1])), variable.shape)
            variable.assign(0.5 + np.abs(values) if "variance" in variable.path else values)
    return model


def silence(group: ChannelGroup, indices: np.ndarray) -> None:
    """Make the channels zero: filters, biases, and the scales and shifts behind them."""
    for part in group.parts:
        axis = 0 if part.attribute in ("gamma", "beta", "bias") else part.made
        if axis is None:
            continue
        values = np.moveaxis(np.asarray(part.variable).copy(), axis, 0)
        values[np.isin(part.axes[axis], group.ids[indices])] = 0.0
        part.variable.assign(np.moveaxis(values, 0, axis))


def outputs(model: Any, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    arrays = [rng.uniform(-1, 1, (3, *t.shape[1:])).astype(np.float32) for t in model.inputs]
    given = {t.name: a for t, a in zip(model.inputs, arrays, strict=True)}
    with quiet():
        found = model(given if len(arrays) > 1 else arrays[0], training=False)
    return [np.asarray(each) for each in keras().tree.flatten(found)]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", MODELS)
def test_channels_that_are_zero_are_not_missed(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = randomized(MODELS[name], rng)
    chosen = {}
    for group in find_groups(model):
        if not group.reason:
            count = int(rng.integers(1, group.size))
            chosen[group.name] = rng.permutation(group.size)[:count]
            silence(group, chosen[group.name])
    assert len(chosen) >= 2
    before = [array.copy() for array in model.get_weights()]
    smaller = remove_channels(model, chosen)
    for ours, theirs in zip(outputs(smaller), outputs(model), strict=True):
        assert np.abs(theirs).max() > 1e-3
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert smaller.count_params() < model.count_params()
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_channels_that_are_not_zero_are_missed(name: str) -> None:
    model = randomized(MODELS[name], np.random.default_rng(3))
    for group in [g for g in find_groups(model) if not g.reason]:
        smaller = remove_channels(model, {group.name: range(group.size - 1)})
        pairs = zip(outputs(smaller), outputs(model), strict=True)
        assert any(not np.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in pairs), group.name


def test_groups_are_what_the_graph_couples() -> None:
    groups = {group.name: group for group in find_groups(residual())}
    sizes = sorted(group.size for group in groups.values() if not group.reason)
    assert sizes == [7, 9, 10, 14]
    assert [len(g.layers) for g in groups.values() if g.size in (10, 14)] == [2, 2]
    frozen = [group for group in groups.values() if group.reason]
    assert [group.size for group in frozen] == [5] and "softmax" in frozen[0].reason


def test_concatenated_channels_stay_apart() -> None:
    groups = find_groups(concatenated())
    assert sorted(g.size for g in groups if not g.reason) == [5, 8, 13]
    [through_input] = [g for g in groups if g.reason == "input of the model"]
    assert through_input.size == 3


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lambda: L().LayerNormalization(), "LayerNormalization"),
        (lambda: L().Conv2D(8, 3, groups=2), "Conv2D"),
        (lambda: L().Reshape((16, 18)), "Reshape"),
        (lambda: L().Permute((3, 1, 2)), "Permute"),
        (lambda: L().Softmax(), "Softmax"),
        (lambda: L().BatchNormalization(axis=1), "BatchNormalization"),
        (lambda: L().TimeDistributed(L().Dense(3)), "TimeDistributed"),
    ],
)
def test_what_cannot_be_told_apart_is_left_and_says_why(
    layer: Callable[[], Any], words: str
) -> None:
    image = L().Input((6, 6, 2))
    x = layer()(L().Conv2D(8, 1, name="before")(image))
    model = keras().Model(image, L().Dense(2)(L().Flatten()(L().Dense(9, name="after")(x))))
    groups = {group.name: group for group in find_groups(model)}
    assert words in groups["before"].reason
    assert not groups["after"].reason
    smaller = remove_channels(model, {"after": [1, 4]})
    assert smaller.get_layer("after").units == 7
    with pytest.raises(EdgekitError, match="must stay"):
        remove_channels(model, {"before": [0]})


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"conv9": [0]}, "no group"),
        ({"a": [8]}, "0 to 7"),
        ({"a": [-1]}, "0 to 7"),
        ({"a": list(range(8))}, "all 8"),
    ],
)
def test_what_may_not_be_chosen(chosen: dict[str, list[int]], words: str) -> None:
    model = keras().Sequential([L().Input((4,)), L().Dense(8, name="a"), L().Dense(2, name="b")])
    with pytest.raises(EdgekitError, match=words):
        remove_channels(model, chosen)


def test_a_model_without_a_graph_is_refused() -> None:
    class Own(keras().Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(EdgekitError, match="no graph"):
        find_groups(Own())


def test_a_layer_in_two_models_is_refused() -> None:
    dense = L().Dense(8, name="both")
    one = keras().Sequential([L().Input((4,)), dense], name="one")
    two = keras().Sequential([L().Input((4,)), dense], name="two")
    x = L().Input((4,))
    with pytest.raises(EdgekitError, match="two nested models"):
        find_groups(keras().Model(x, L().Dense(2)(L().Add()([one(x), two(x)]))))
