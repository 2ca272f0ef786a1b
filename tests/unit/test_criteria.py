# SPDX-License-Identifier: Apache-2.0
"""Criteria: what they rank high, what they need, and the estimator against the literal measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras
from edgekit.prune.criteria import CRITERIA, named_criterion
from edgekit.prune.criteria.stability import literal_stability
from edgekit.prune.evidence import Batch, Evidence, make_evidence
from edgekit.prune.goals import goals_of
from edgekit.prune.targets import Kernel, find_kernels

pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 20)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(np.int64)


def net() -> Any:
    layers = keras().layers
    keras().utils.set_random_seed(1)
    return keras().Sequential(
        [
            keras().Input((20,)),
            layers.Dense(24, activation="relu", name="a"),
            layers.Dense(16, activation="relu", name="b"),
            layers.Dense(2, activation="softmax", name="c"),
        ]
    )


def evidence(model: Any, *, labels: bool = True, seed: int = 0) -> Evidence:
    y = Y if labels else None
    return make_evidence(model, [X], y, loss=goals_of(model, Y).loss if labels else None, seed=seed)


@pytest.fixture(scope="module")
def case() -> tuple[list[Kernel], Evidence]:
    model = net()
    return [k for k in find_kernels(model) if not k.protected], evidence(model)


@pytest.mark.parametrize("name", CRITERIA)
def test_scores_are_one_per_weight_and_zero_where_the_weight_is(name: str, case: Any) -> None:
    kernels, samples = case
    scores = CRITERIA[name](kernels, samples)
    for kernel, array in zip(kernels, scores, strict=True):
        assert array.shape == tuple(kernel.variable.shape)
        assert (array >= 0).all() and array.max() > 0


@pytest.mark.parametrize("name", [name for name in CRITERIA if name != "random"])
def test_weights_that_are_gone_stay_the_first_to_go(name: str) -> None:
    model = net()
    kernel = find_kernels(model)[0]
    values = kernel.values()
    values[::2] = 0
    kernel.assign(values)
    assert (CRITERIA[name]([kernel], evidence(model))[0][::2] == 0).all()


def test_random_is_the_same_for_a_seed_and_other_for_another(case: Any) -> None:
    kernels, samples = case
    first, again = (CRITERIA["random"](kernels, samples)[0] for _ in range(2))
    other = CRITERIA["random"](kernels, make_evidence(samples.model, seed=1))[0]
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize("name", ["activation", "gradient", "stability"])
def test_weights_of_an_input_that_is_always_zero_are_worth_nothing(name: str) -> None:
    model = net()
    silent = X.copy()
    silent[:, 5] = 0
    samples = make_evidence(model, [silent], Y, loss=goals_of(model, Y).loss)
    scores = CRITERIA[name](find_kernels(model)[:1], samples)[0]
    assert (scores[5] == 0).all() and (scores[6] > 0).any()


@pytest.mark.parametrize(
    ("name", "words"),
    [("gradient", "samples"), ("activation", "samples"), ("stability", "samples")],
)
def test_what_is_missing_is_named(name: str, words: str, case: Any) -> None:
    kernels, samples = case
    with pytest.raises(EdgekitError, match=words):
        CRITERIA[name](kernels, make_evidence(samples.model))


def test_gradient_needs_labels_and_stability_does_not(case: Any) -> None:
    kernels, samples = case
    unlabelled = evidence(samples.model, labels=False)
    with pytest.raises(EdgekitError, match="no labels"):
        CRITERIA["gradient"](kernels, unlabelled)
    CRITERIA["stability"](kernels, unlabelled)
    CRITERIA["activation"](kernels, unlabelled)


def test_the_stability_estimate_ranks_as_the_literal_measure(case: Any) -> None:
    from scipy.stats import spearmanr

    kernels, samples = case
    where, literal = literal_stability(kernels, samples, 60)
    scores = CRITERIA["stability"](kernels, samples)
    estimate = [scores[k].flat[i] for k, i in where]
    assert spearmanr(literal, estimate).statistic > 0.8
    before = [kernel.values() for kernel in kernels]
    literal_stability(kernels, samples, 3)
    assert all(np.array_equal(a, k.values()) for a, k in zip(before, kernels, strict=True))


def test_the_gradient_is_that_of_the_loss(case: Any) -> None:
    kernels, samples = case
    part = Batch([samples.batches[0].x[0][:32]], samples.batches[0].y[:32])
    one = Evidence(samples.model, (part,), samples.loss, labels=True)
    score = CRITERIA["gradient"](kernels, one)[0]
    kernel, batch = kernels[0], part
    place = np.unravel_index(score.argmax(), score.shape)
    own, losses = kernel.values(), []
    for step in (-1e-2, 1e-2):
        moved = own.copy()
        moved[place] += step
        kernel.assign(moved)
        losses.append(float(samples.loss(batch.y, [samples.model(batch.x[0])])))
    kernel.assign(own)
    slope = (losses[1] - losses[0]) / 2e-2
    assert score[place] == pytest.approx(abs(own[place] * slope), rel=0.05)


def test_a_criterion_of_ones_own(case: Any) -> None:
    def rows(kernels: Sequence[Kernel], evidence: Evidence) -> list[np.ndarray]:
        return [np.broadcast_to(1.0, kernel.variable.shape) for kernel in kernels]

    kernels, samples = case
    assert named_criterion(rows).name == "rows"
    assert named_criterion(rows)(kernels, samples)[0].shape == (20, 24)
    with pytest.raises(EdgekitError, match="gives scores of shape"):
        named_criterion(lambda kernels, evidence: [np.ones(3) for _ in kernels])(kernels, samples)


def test_scores_that_are_nan_are_refused(case: Any) -> None:
    kernels, samples = case
    bad = named_criterion(lambda k, e: [np.full(x.variable.shape, np.nan) for x in k])
    with pytest.raises(EdgekitError, match="not finite"):
        bad(kernels, samples)
