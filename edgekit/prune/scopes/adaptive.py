# SPDX-License-Identifier: Apache-2.0
"""Each layer gets the sparsity that it bears: a scan of the layers, then a shared-out total."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

import numpy as np

from edgekit.prune.scopes.ranking import MOST, keep_highest, with_best_safe
from edgekit.prune.structures.groups import Groups

LEVELS = (0.25, 0.5, 0.65, 0.8, 0.9, MOST)  # sparsities at which each layer is tried alone
STEPS = 98  # in which a layer's sparsity is raised, so about one percent each

# (layer, booleans per group) -> what the model's outputs suffer with only that layer masked.
Damage = Callable[[int, np.ndarray], float]


class Adaptive:
    """Raises step by step the sparsity of the layer where a weight more costs least.

    `curves[layer]` is the damage at 0 and at each of LEVELS. Damage at once of several layers is
    taken as the sum of theirs, and no step counts as cheaper than one before it: the scan sees
    layers alone, and where its curve saturates the layer is already ruined.
    """

    def __init__(self) -> None:
        self.curves: list[tuple[float, ...]] = []
        self._costs: list[np.ndarray] = []

    def prepare(self, layers: Sequence[Groups], costs: Sequence[float], damage: Damage) -> None:
        """Scan; `costs` are what a weight of each layer costs (1 for the objective size)."""
        self.curves = [
            (0.0, *(damage(i, _at(layer, level)) for level in LEVELS))
            for i, layer in enumerate(layers)
        ]
        self._costs = [
            _step_costs(curve) / (layer.weights * cost)
            for curve, layer, cost in zip(self.curves, layers, costs, strict=True)
        ]

    def __call__(self, layers: Sequence[Groups], sparsity: float) -> list[np.ndarray]:
        shares = self.allocation([layer.weights for layer in layers], sparsity)
        return [_at(layer, share) for layer, share in zip(layers, shares, strict=True)]

    def allocation(self, weights: Sequence[int], sparsity: float) -> list[float]:
        """A sparsity for each layer; together `sparsity` of all weights."""
        missing = sparsity * sum(weights)
        steps = [0] * len(weights)
        queue = [(float(costs[0]), layer) for layer, costs in enumerate(self._costs)]
        heapq.heapify(queue)
        shares = [0.0] * len(weights)
        while queue and missing > 0:
            _, layer = heapq.heappop(queue)
            gained = min(weights[layer] * MOST / STEPS, missing)
            shares[layer] += gained / weights[layer]
            missing -= gained
            steps[layer] += 1
            if steps[layer] < STEPS:
                heapq.heappush(queue, (float(self._costs[layer][steps[layer]]), layer))
        return shares


def _at(layer: Groups, sparsity: float) -> np.ndarray:
    return keep_highest(with_best_safe(layer), layer.sizes, sparsity)


def _step_costs(curve: Sequence[float]) -> np.ndarray:
    """Damage that each of STEPS steps adds, never less than the step before it."""
    grid = np.linspace(0, MOST, STEPS + 1)
    rising = np.maximum.accumulate(np.interp(grid, (0.0, *LEVELS), curve))
    return np.maximum.accumulate(np.diff(rising))
