# SPDX-License-Identifier: Apache-2.0
"""Which weights go: the lowest scores of the whole model, or of each layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgekit.errors import EdgekitError

MOST = 0.98  # of one layer's weights: a layer without any passes nothing on

Scope = Callable[[Sequence[np.ndarray], float], list[np.ndarray]]


def global_ranking(scores: Sequence[np.ndarray], sparsity: float) -> list[np.ndarray]:
    """Masks (True = stays) with round(sparsity * all) weights masked over all layers together.

    The best 2 % of each layer always stay. Of equal scores the earlier layer's and the earlier
    weight goes first, so the result depends on nothing but the scores.
    """
    flat = np.concatenate([_with_best_safe(array.ravel()) for array in scores])
    keep = _keep_highest(flat, sparsity)
    ends = np.cumsum([array.size for array in scores])[:-1]
    return [
        part.reshape(array.shape) for part, array in zip(np.split(keep, ends), scores, strict=True)
    ]


def per_layer(scores: Sequence[np.ndarray], sparsity: float) -> list[np.ndarray]:
    """Masks (True = stays) with the same sparsity in each layer."""
    return [
        _keep_highest(_with_best_safe(array.ravel()), sparsity).reshape(array.shape)
        for array in scores
    ]


SCOPES: dict[str, Scope] = {"global": global_ranking, "per_layer": per_layer}


def named_scope(name: str) -> Scope:
    if name not in SCOPES:
        raise EdgekitError(f"there is no scope '{name}'", hint=f"one of: {', '.join(SCOPES)}")
    return SCOPES[name]


def _with_best_safe(flat: np.ndarray) -> np.ndarray:
    safe = flat.astype(np.float64)
    best = max(1, flat.size - int(MOST * flat.size))
    safe[np.argsort(flat, kind="stable")[-best:]] = np.inf
    return safe


def _keep_highest(flat: np.ndarray, sparsity: float) -> np.ndarray:
    keep = np.ones(flat.size, bool)
    keep[np.argsort(flat, kind="stable")[: round(sparsity * flat.size)]] = False
    keep[np.isinf(flat)] = True
    return keep
