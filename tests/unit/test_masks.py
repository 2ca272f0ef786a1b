# SPDX-License-Identifier: Apache-2.0
"""Rankings: how many weights go, which, and which never."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.prune.scopes import named_scope
from edgekit.prune.scopes.ranking import global_ranking, per_layer
from edgekit.prune.structures import Groups, Unstructured
from edgekit.prune.target import check_reached, check_target


def single(scores: np.ndarray) -> Groups:
    return Unstructured().groups(scores)


def scores() -> list[Groups]:
    rng = np.random.default_rng(0)
    return [single(rng.random((9, 4, 16)) * 0.1), single(rng.random((1, 64, 10)))]


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.75, 0.9])
def test_the_global_ranking_masks_exactly_the_target(sparsity: float) -> None:
    masks = global_ranking(scores(), sparsity)
    total = sum(mask.size for mask in masks)
    assert sum(int((~mask).sum()) for mask in masks) == round(sparsity * total)


def test_the_global_ranking_takes_from_the_weak_layer_first() -> None:
    weak, strong = global_ranking(scores(), 0.5)
    assert (~weak).mean() > 0.9 > 0.1 > (~strong).mean() - 0.1


def test_no_layer_loses_all() -> None:
    weak, _ = global_ranking(scores(), 0.6)
    assert weak.sum() >= 0.02 * weak.size


def test_per_layer_gives_each_the_same() -> None:
    for mask, values in zip(per_layer(scores(), 0.75), scores(), strict=True):
        assert (~mask).sum() == round(0.75 * mask.size)
        assert values.scores[~mask].max() <= values.scores[mask].min()


def test_ties_depend_on_nothing_but_the_scores() -> None:
    equal = [single(np.ones((1, 4, 4)))] * 2
    first, second = global_ranking(equal, 0.5), global_ranking(equal, 0.5)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("target", [0.0, -0.5, 0.99, 1.0, 75.0])
def test_targets_out_of_range_are_refused(target: float) -> None:
    with pytest.raises(EdgekitError, match="target sparsity"):
        check_target(target)


def test_too_few_zeros_are_an_error() -> None:
    check_reached(0.748, 0.75)
    with pytest.raises(EdgekitError, match=r"not the 0\.75"):
        check_reached(0.74, 0.75)


def test_an_unknown_scope_names_the_known() -> None:
    with pytest.raises(EdgekitError) as caught:
        named_scope("layer")
    assert "per_layer" in caught.value.hint
