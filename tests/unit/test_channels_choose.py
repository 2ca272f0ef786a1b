# SPDX-License-Identifier: Apache-2.0
"""Which channels go, by what score, and that what is left is an ordinary model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.load import load_model
from edgekit.model.tf import keras, quiet
from edgekit.prune.channels import (
    ChannelPlan,
    Cost,
    choose_channels,
    find_groups,
    group_scores,
    prune_channels,
    remove_channels,
)
from edgekit.prune.channels.gradients import loss_gradients

pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(0)


def net() -> Any:
    keras().utils.set_random_seed(1)
    layers = keras().layers
    image = layers.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False, name="first")(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.Conv2D(24, 3, padding="same", activation="relu", name="inner")(x)
    y = layers.Conv2D(16, 3, padding="same", name="back")(y)
    x = layers.Flatten()(layers.MaxPooling2D(2)(layers.Add()([x, y])))
    x = layers.Dense(20, activation="relu", name="wide")(x)
    return keras().Model(image, layers.Dense(4, activation="softmax", name="scores")(x))


def counted_macs(model: Any) -> int:
    """By the formulas of the layers of `net`, in another way than the code under test."""
    total = 0
    for layer in model.layers:
        if type(layer).__name__ == "Conv2D":
            total += 9 * layer.input.shape[-1] * layer.filters * 64
        elif type(layer).__name__ == "Dense":
            total += layer.input.shape[-1] * layer.units
    return total


@pytest.mark.parametrize("objective", ["macs", "size"])
def test_costs_are_those_of_the_model(objective: str) -> None:
    model = net()
    groups = find_groups(model)
    cost = Cost(groups, objective)
    assert cost.total() == (counted_macs(model) if objective == "macs" else model.count_params())
    smaller = remove_channels(model, {"inner": range(7), "first+back": [3, 5], "wide": [0]})
    by_name = {group.name: group for group in groups}
    cost.stays[by_name["first+back"].ids[[3, 5]]] = False
    cost.stays[by_name["wide"].ids[:1]] = False
    predicted = cost.without(by_name["inner"].ids[:7])
    expected = counted_macs(smaller) if objective == "macs" else smaller.count_params()
    assert predicted == expected


@pytest.mark.parametrize("objective", ["macs", "size"])
@pytest.mark.parametrize("spread", ["greedy", "uniform"])
@pytest.mark.parametrize("target", [0.2, 0.5, 0.8])
def test_the_target_is_met_in_fours(objective: str, spread: str, target: float) -> None:
    done = prune_channels(net(), target, ChannelPlan(objective=objective, spread=spread))
    assert target <= done.share < target + 0.2
    assert done.macs and done.macs["after"] == counted_macs(done.model)
    assert done.weights["after"] == done.model.count_params()
    for row in done.groups:
        assert row.after == row.before if row.reason else row.after % 4 == 0 and row.after > 0


def test_the_lowest_scores_go() -> None:
    groups = find_groups(net())
    scores = {g.name: RNG.permutation(g.size).astype(float) for g in groups if not g.reason}
    for name, gone in choose_channels(groups, scores, 0.5, spread="uniform").items():
        assert sorted(scores[name][gone]) == list(range(len(gone)))
    kept = choose_channels(groups, scores, 0.2, keep=["first"])
    assert "first+back" not in kept and kept


def test_greedy_takes_what_costs_least() -> None:
    groups = find_groups(net())
    scores = {g.name: np.ones(g.size) for g in groups if not g.reason}
    scores["inner"][:8] = 1e-6
    chosen = choose_channels(groups, scores, 0.2)
    assert list(chosen) == ["inner"] and chosen["inner"].tolist() == list(range(8))


def test_norms_are_those_of_the_filters() -> None:
    model = net()
    groups = {g.name: g for g in find_groups(model)}
    kernel = np.asarray(model.get_layer("inner").kernel, np.float64)
    for method, norm in (("l1", np.abs(kernel).sum((0, 1, 2))), ("l2", (kernel**2).sum((0, 1, 2)))):
        norm = np.sqrt(norm) if method == "l2" else norm
        scores = group_scores(list(groups.values()), method)
        np.testing.assert_allclose(scores["inner"], norm / norm.mean(), rtol=1e-5)
    assert "scores" not in scores


def test_taylor_foretells_what_removal_costs() -> None:
    model = net()
    x = RNG.random((64, 8, 8, 1)).astype(np.float32)
    y = RNG.integers(0, 4, 64)
    loss = keras().losses.SparseCategoricalCrossentropy()
    gradients = loss_gradients(model, [x], y, lambda y, out: loss(y, out[0]), batches=1)
    groups = find_groups(model)
    scores = group_scores(groups, "taylor", gradients)["inner"]
    base = float(loss(y, model(x)))
    real = [
        (float(loss(y, remove_channels(model, {"inner": [i]})(x))) - base) ** 2 for i in range(24)
    ]
    ranks = [np.argsort(np.argsort(values)) for values in (scores, real)]
    assert np.corrcoef(ranks)[0, 1] > 0.7
    assert prune_channels(model, 0.5, ChannelPlan(method="taylor"), gradients=gradients).share > 0.5


def test_what_is_left_trains_saves_and_loads(tmp_path: Path) -> None:
    smaller = prune_channels(net(), 0.5).model
    assert not smaller.compiled and smaller.get_layer("inner").filters < 24
    smaller.compile("adam", "sparse_categorical_crossentropy")
    x, y = RNG.random((32, 8, 8, 1)).astype(np.float32), RNG.integers(0, 4, 32)
    losses = smaller.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    with quiet():
        smaller.save(tmp_path / "small.keras")
    again = load_model(tmp_path / "small.keras").keras
    np.testing.assert_allclose(again(x), smaller(x), rtol=1e-5, atol=1e-6)
    assert prune_channels(again, 0.3).model.count_params() < again.count_params()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fraction": 0.99}, "saves at most"),
        ({"fraction": 1.0}, "between 0 and 1"),
        ({"plan": ChannelPlan(objective="cycles")}, "no objective"),
        ({"plan": ChannelPlan(method="luck")}, "no channel score"),
        ({"plan": ChannelPlan(method="taylor")}, "need gradients"),
        ({"plan": ChannelPlan(spread="random")}, "no spread"),
        ({"plan": ChannelPlan(multiple=0)}, "multiples of 0"),
        ({"plan": ChannelPlan(keep=("first", "inner", "wide"))}, "saves at most 0.0 %"),
    ],
)
def test_what_cannot_be_done(options: dict[str, Any], words: str) -> None:
    with pytest.raises(EdgekitError, match=words) as caught:
        prune_channels(net(), **({"fraction": 0.5} | options))
    assert caught.value.hint


def test_resnet8_at_half_its_macs_is_bit_exact(shared: Path) -> None:
    from edgekit.quantize.checks import check_full_integer
    from edgekit.quantize.convert import convert_int8
    from edgekit.tflite.reader import read_graph
    from tests.support.exact import check_bit_exact, needs_tflm

    needs_tflm()
    loaded = load_model(shared / "models" / "resnet8_cifar_jpeg.keras")
    done = prune_channels(loaded.keras, 0.5)
    assert done.macs and done.macs["before"] == 12_501_632
    assert 0.4 <= done.macs["after"] / done.macs["before"] <= 0.5
    small = load_model(done.model)
    images = RNG.uniform(0, 255, (20, 32, 32, 3)).astype(np.float32)
    tflite = convert_int8(small, small.inputs, [images]).tflite
    check_full_integer(read_graph(tflite), small.name, converted=True)
    check_bit_exact(tflite, 5)
