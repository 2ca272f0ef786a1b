# SPDX-License-Identifier: Apache-2.0
"""What a weight is worth. A new criterion is a file here and a row in CRITERIA.

Scores are in the measure of |w|: the damage that removing a weight does goes with the square of
its score. Blocks add up squares, and so does the objective `macs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.criteria.activation import activation
from edgekit.prune.criteria.gradient import gradient
from edgekit.prune.criteria.magnitude import magnitude
from edgekit.prune.criteria.random import random
from edgekit.prune.criteria.stability import stability
from edgekit.prune.evidence import Evidence
from edgekit.prune.targets import Kernel

Score = Callable[[Sequence[Kernel], Evidence], list[np.ndarray]]


class NotFiniteError(EdgekitError):
    """Scores, and so weights or gradients, are no numbers."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """`score` gives one array per kernel, of its shape; the lowest go first.

    `needs` is "", "samples" or "labels". `shrink` is the strength of an L1 term that acts while
    training until the masks close: each step takes `shrink` times the learning rate off |w|.
    """

    name: str
    score: Score
    needs: str = ""
    shrink: float = 0.0

    def __call__(self, kernels: Sequence[Kernel], evidence: Evidence) -> list[np.ndarray]:
        evidence.need(self.needs, self.name)
        scores = self.score(kernels, evidence)
        for kernel, array in zip(kernels, scores, strict=True):
            _check(self.name, kernel, array)
        return scores


# An L1 strength of a tenth of what Adam may move a weight in a step: over the 250 steps before
# the cut of a default run small weights lose about 0.02.
_L1 = 0.1

_ROWS = (
    Criterion("magnitude", magnitude),
    Criterion("gradient", gradient, needs="labels"),
    Criterion("activation", activation, needs="samples"),
    Criterion("stability", stability, needs="samples"),
    Criterion("l1", magnitude, shrink=_L1),
    Criterion("random", random),
)
CRITERIA: dict[str, Criterion] = {row.name: row for row in _ROWS}


def named_criterion(choice: Any) -> Criterion:
    """The criterion of that name, a Criterion, or a callable (kernels, evidence) -> scores."""
    if isinstance(choice, Criterion):
        return choice
    if callable(choice):
        name = getattr(choice, "__name__", type(choice).__name__)
        return Criterion(str(name), choice, needs=str(getattr(choice, "needs", "")))
    if choice not in CRITERIA:
        raise EdgekitError(
            f"there is no pruning method '{choice}'", hint=f"one of: {', '.join(CRITERIA)}"
        )
    return CRITERIA[choice]


def _check(name: str, kernel: Kernel, array: np.ndarray) -> None:
    if tuple(array.shape) != tuple(kernel.variable.shape):
        raise EdgekitError(
            f"'{name}' gives scores of shape {tuple(array.shape)} for '{kernel.name}', "
            f"which has {tuple(kernel.variable.shape)}",
            hint="a criterion gives one score per weight",
        )
    if not np.isfinite(array).all():
        raise NotFiniteError(
            f"'{name}' gives scores for '{kernel.name}' that are not finite",
            hint="are there NaN in the weights, or is the loss NaN on these data?",
        )
