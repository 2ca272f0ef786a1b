# SPDX-License-Identifier: Apache-2.0
"""At least N of every M neighbouring inputs stay, of one output or the same of several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.structures.blocks import Blocks
from edgekit.prune.structures.groups import Groups


@dataclass(frozen=True, slots=True)
class NofM:
    """Groups of `m` along the inputs, at one tap and output, keep their best `n`: the same for
    each `outputs` neighbouring outputs.

    Of a shorter last group of r inputs ceil(n r / m) stay. At the sparsity 1 - n/m all groups
    hold exactly n; a ramp that has not come there yet closes the groups' weakest weights first.
    """

    n: int
    m: int
    outputs: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.n < self.m or self.outputs < 1:
            raise EdgekitError(
                f"{self.name} keeps {self.n} of {self.m} weights, which is no pattern",
                hint="give N:M with 0 < N < M, 2:4 for example, or 2:4x2",
            )

    @property
    def name(self) -> str:
        return f"{self.n}:{self.m}" + (f"x{self.outputs}" if self.outputs > 1 else "")

    @property
    def sparsity(self) -> float:
        return 1 - self.n / self.m

    def groups(self, scores: np.ndarray) -> Groups:
        together = Blocks(1, self.outputs).groups(scores)
        columns = -(-scores.shape[2] // self.outputs)
        values = together.scores.reshape(*scores.shape[:2], columns)
        safe = np.zeros(values.shape, bool)
        for start in range(0, scores.shape[1], self.m):
            part = values[:, start : start + self.m]
            kept = -(-self.n * part.shape[1] // self.m)
            best = np.argsort(part, axis=1, kind="stable")[:, -kept:]
            np.put_along_axis(safe[:, start : start + self.m], best, True, axis=1)
        return Groups(np.where(safe, np.inf, values).ravel(), together.sizes)

    def expand(self, keep: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
        return Blocks(1, self.outputs).expand(keep, shape)

    def note(self, shape: tuple[int, int, int]) -> str:
        if not (rest := shape[1] % self.m):
            return ""
        kept = -(-self.n * rest // self.m)
        return (
            f"{shape[1]} inputs do not divide by {self.m}: "
            f"of the last {rest} of each output {kept} stay"
        )
