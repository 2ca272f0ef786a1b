# SPDX-License-Identifier: Apache-2.0
"""Which groups of weights go: the lowest of the whole model, or of each layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.prune.structures.groups import Groups

MOST = 0.98  # of one layer's weights: a layer without any passes nothing on


def global_ranking(layers: Sequence[Groups], sparsity: float) -> list[np.ndarray]:
    """Per layer a boolean for each group (True = stays); `sparsity` of all weights go.

    The best 2 % of each layer always stay. Of equal scores the earlier layer's and the earlier
    group goes first, so the result depends on nothing but the scores.
    """
    scores = np.concatenate([with_best_safe(layer) for layer in layers])
    sizes = np.concatenate([layer.sizes for layer in layers])
    keep = keep_highest(scores, sizes, sparsity)
    ends = np.cumsum([layer.scores.size for layer in layers])[:-1]
    return np.split(keep, ends)


def per_layer(layers: Sequence[Groups], sparsity: float) -> list[np.ndarray]:
    """The same sparsity in each layer."""
    return [keep_highest(with_best_safe(layer), layer.sizes, sparsity) for layer in layers]


def with_best_safe(layer: Groups) -> np.ndarray:
    """The scores, those of the best groups that together hold 2 % of the weights infinite."""
    safe = layer.scores.copy()
    least = max(1, layer.weights - int(MOST * layer.weights))
    best = np.argsort(layer.scores, kind="stable")[::-1]
    before = np.cumsum(layer.sizes[best]) - layer.sizes[best]
    safe[best[before < least]] = np.inf
    return safe


def keep_highest(scores: np.ndarray, sizes: np.ndarray, sparsity: float) -> np.ndarray:
    """Mask the lowest groups: as many as come nearest to `sparsity` of the weights.

    Single weights stay round((1 - sparsity) * n), which is how TFMOT counts.
    """
    total = int(sizes.sum())
    gone = total - round(total * (1 - sparsity))
    order = np.argsort(scores, kind="stable")
    middle = np.cumsum(sizes[order]) - sizes[order] / 2
    keep = np.ones(scores.size, bool)
    keep[order[middle <= gone]] = False
    keep[np.isinf(scores)] = True
    return keep
