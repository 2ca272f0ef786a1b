# SPDX-License-Identifier: Apache-2.0
"""`prune --structure auto` and `--objective cycles`: the board's cost model is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgekit.boards import load_board
from edgekit.errors import EdgekitError
from edgekit.model.tf import keras
from edgekit.prune.masks import Choice, Masks
from edgekit.prune.objective import Told, costs_of, objective_name
from edgekit.prune.structures import structure_name
from edgekit.verbs._auto import asked_of_board, checkable, with_told

pytestmark = pytest.mark.needs_tf
ASKING = Choice(structure="auto", objective="cycles")


@pytest.fixture(scope="module")
def model() -> Any:
    layers = keras().layers
    keras().utils.set_random_seed(3)
    return keras().Sequential(
        [
            keras().Input((12, 12, 3)),
            layers.Conv2D(16, 3, strides=2, activation="relu", name="first"),
            layers.Conv2D(32, 1, activation="relu", name="pointwise"),
            layers.Flatten(),
            layers.Dense(16, name="scores"),
        ]
    )


def pruned(model: Any, choice: Choice) -> list[np.ndarray]:
    """Kernels of a copy of `model` with 75 % of all weights zero."""
    copy = keras().models.clone_model(model)
    copy.set_weights(model.get_weights())
    masks = Masks(copy, choice)
    masks.install()
    masks.update(0.75)
    masks.remove()
    return [kernel.values() for kernel in masks.pruned]


def test_each_layer_gets_the_shape_that_pays_there(model: Any) -> None:
    told, notes = with_told(model, ASKING, 0.75, load_board("qemu-mps2-an386"), "balanced")
    assert told.structure.table == {"pointwise": "2x2", "scores": "2x8"} and notes == ()
    assert structure_name(told.structure) == "auto" and objective_name(told.objective) == "cycles"
    per_weight = told.objective.table
    assert per_weight["pointwise"] > 5 * per_weight["scores"] > 0  # it is used for 25 pixels

    pointwise, scores = pruned(model, told)
    blocks = (pointwise[0, 0].reshape(8, 2, 16, 2) != 0).sum(axis=(1, 3))
    assert set(np.unique(blocks)) == {0, 4}
    eights = (scores.reshape(-1, 2, 2, 8) != 0).sum(axis=(1, 3))
    assert set(np.unique(eights)) == {0, 16}
    alike, _ = pruned(model, replace(told, objective="size"))
    assert np.mean(pointwise == 0) > np.mean(alike == 0)  # where a weight costs most


def test_where_no_shape_pays_that_is_said(model: Any) -> None:
    with pytest.raises(EdgekitError, match="no shape of zeros") as caught:
        with_told(model, ASKING, 0.02, load_board("qemu-mps2-an386"), "balanced")
    assert "channels" in caught.value.hint


@pytest.mark.parametrize("asks", [("auto", "size"), ("2x2", "cycles")])
def test_somebody_has_to_be_asked(asks: tuple[str, str]) -> None:
    with pytest.raises(EdgekitError, match="cost model"):
        asked_of_board(*asks, "edgekit", None)
    with pytest.raises(EdgekitError, match="cost model"):
        asked_of_board(*asks, "tfmot", "qemu-mps2-an386")
    asked_of_board(*asks, "edgekit", "qemu-mps2-an386")


def test_channels_are_not_ranked_by_cycles() -> None:
    with pytest.raises(EdgekitError, match="channels") as caught:
        asked_of_board("channels", "cycles", "edgekit", "qemu-mps2-an386")
    assert "macs" in caught.value.hint


def test_what_is_told_later_is_checked_later() -> None:
    assert checkable(ASKING) == Choice()
    assert checkable(Choice(structure="2x2", objective="macs")).structure == "2x2"


def test_a_weight_that_costs_nothing_goes_last() -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

    costs = costs_of(Told({"a": 4.0, "b": 0.0}), [Named("a"), Named("b"), Named("c")])  # type: ignore[list-item]
    assert costs[0] == 4.0 and 0 < costs[1] == costs[2] < 1e-3
