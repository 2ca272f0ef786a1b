# SPDX-License-Identifier: Apache-2.0
"""The adaptive scope, objectives and targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras
from edgekit.prune.evidence import make_evidence
from edgekit.prune.masks import Choice, Masks
from edgekit.prune.oneshot import prune_at_once
from edgekit.prune.scopes.adaptive import LEVELS, Adaptive
from edgekit.prune.structures import Groups, Unstructured

RNG = np.random.default_rng(0)


def adaptive(*harm: float, weights: int = 1000) -> tuple[Adaptive, list[Groups]]:
    """Layers whose damage is harm * sparsity^2."""
    layers = [Unstructured().groups(RNG.random((1, weights // 10, 10))) for _ in harm]
    scope = Adaptive()
    scope.prepare(layers, [1.0] * len(harm), lambda i, keep: harm[i] * float((~keep).mean()) ** 2)
    return scope, layers


@pytest.mark.parametrize("sparsity", [0.05, 0.3, 0.5, 0.75, 0.9, 0.98])
def test_the_allocation_comes_to_the_total(sparsity: float) -> None:
    scope, layers = adaptive(1.0, 5.0, 50.0)
    keeps = scope(layers, sparsity)
    assert sum(int((~k).sum()) for k in keeps) == pytest.approx(sparsity * 3000, abs=3)


def test_delicate_layers_keep_more() -> None:
    scope, _ = adaptive(1.0, 5.0, 50.0)
    shares = scope.allocation([1000] * 3, 0.5)
    assert shares == sorted(shares, reverse=True) and shares[0] > shares[2] + 0.2
    assert len(scope.curves[0]) == len(LEVELS) + 1


def test_a_ramp_only_ever_closes_masks() -> None:
    scope, layers = adaptive(1.0, 5.0)
    before = [np.ones(1000, bool)] * 2
    for sparsity in (0.2, 0.4, 0.6, 0.8):
        now = scope(layers, sparsity)
        assert not any((a & ~b).any() for a, b in zip(now, before, strict=True))
        before = now


def net() -> Any:
    layers = keras().layers
    keras().utils.set_random_seed(2)
    return keras().Sequential(
        [
            keras().Input((8, 8, 1)),
            layers.Conv2D(4, 3, name="first"),
            layers.Conv2D(16, 3, name="wide"),
            layers.Conv2D(16, 3, strides=2, name="late"),
            layers.Flatten(),
            layers.Dense(12, activation="softmax", name="scores"),
        ]
    )


def zeros(masks: Masks) -> dict[str, float]:
    return {k.name: float((k.values() == 0).mean()) for k in masks.pruned}


@pytest.mark.needs_tf
def test_the_adaptive_scope_scans_a_model_without_labels() -> None:
    model = net()
    x = RNG.random((64, 8, 8, 1)).astype(np.float32)
    choice = Choice(scope="adaptive")
    masks, _ = prune_at_once(model, 0.6, choice, make_evidence(model, [x]))
    assert masks.sparsity == pytest.approx(0.6, abs=0.003)
    with pytest.raises(EdgekitError, match="scope adaptive"):
        prune_at_once(net(), 0.6, choice)


@pytest.mark.needs_tf
def test_the_objective_macs_takes_weights_that_are_used_often() -> None:
    by_size, by_macs = (
        zeros(prune_at_once(net(), 0.5, Choice(objective=name))[0]) for name in ("size", "macs")
    )
    assert by_macs["wide"] > by_size["wide"] and by_macs["late"] < by_size["late"]
    with pytest.raises(EdgekitError, match="no objective 'cycles'"):
        prune_at_once(net(), 0.5, Choice(objective="cycles"))


@pytest.mark.needs_tf
def test_a_target_that_protected_layers_rule_out_names_them_and_the_best() -> None:
    keep = ("wide", "scores")
    with pytest.raises(EdgekitError, match=r"at most 0\.\d+ can.*'wide'.*'first'") as caught:
        prune_at_once(net(), 0.75, Choice(keep=keep, of_all=True))
    best = float(caught.value.hint.split("--sparsity ")[1].split(",")[0])
    masks, _ = prune_at_once(net(), best, Choice(keep=keep, of_all=True))
    assert masks.sparsity_all == pytest.approx(best, abs=0.005)


@pytest.mark.needs_tf
def test_a_structure_bounds_the_target() -> None:
    with pytest.raises(EdgekitError, match=r"at most 0\.50"):
        prune_at_once(net(), 0.75, Choice(structure="2:4"))
    masks, _ = prune_at_once(net(), 0.5, Choice(structure="2:4"))
    assert masks.sparsity == pytest.approx(0.5, abs=0.001)
    odd, target = prune_at_once(net(), 0.8, Choice(structure="1:5"))
    assert odd.sparsity == pytest.approx(target, abs=0.001)
    assert target < 0.8 and "do not divide by 5" in odd.notes[0]
