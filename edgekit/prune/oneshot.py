# SPDX-License-Identifier: Apache-2.0
"""Pruning at once, and what can be mended without labels: the statistics of batch norms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgekit.prune.batchnorm import recalibrate_bn, restore, statistics
from edgekit.prune.evidence import Evidence, distance, make_evidence, reference_outputs
from edgekit.prune.masks import Choice, Masks
from edgekit.prune.target import within_reach

# (model) -> a number, higher is better.
Scorer = Callable[[Any], float]


def prune_at_once(
    model: Any, sparsity: float, choice: Choice, evidence: Evidence | None = None
) -> tuple[Masks, float]:
    """Make the least valuable weights zero and leave the others as they are.

    Returns the masks and the target over the kernels that are pruned.
    """
    masks = Masks(model, choice, evidence)
    target, _ = within_reach(masks, sparsity, choice)
    masks.install()
    try:
        masks.update(target)
    except BaseException:
        masks.release()
        raise
    masks.remove()
    return masks, target


def likeness_scorer(model: Any, x: Sequence[np.ndarray], seed: int) -> Scorer:
    """Scores by minus the distance to the outputs that `model` has now: needs no labels."""
    batches = make_evidence(model, x, seed=seed + 1).batches
    dense = reference_outputs(model, batches)
    return lambda pruned: -distance(pruned, batches, dense)


def recalibrate_if_better(model: Any, x: Sequence[np.ndarray], scorer: Scorer, seed: int) -> str:
    """Re-estimate batch-norm statistics on `x`; put the old ones back where they scored higher.

    Returns "re-estimated", "kept", or "" for a model without batch norm.
    """
    before, old = scorer(model), statistics(model)
    if not recalibrate_bn(model, x, seed=seed):
        return ""
    if scorer(model) >= before:
        return "re-estimated"
    restore(model, old)
    return "kept"
