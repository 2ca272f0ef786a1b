# SPDX-License-Identifier: Apache-2.0
"""Groups of weights that go together: what scopes rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """One kernel's groups. `scores` (infinite = never goes) and `sizes` (weights) are flat.

    A score is the root mean square of those of its weights, so that small groups compare fairly.
    """

    scores: np.ndarray
    sizes: np.ndarray

    @property
    def weights(self) -> int:
        return int(self.sizes.sum())

    def worth(self, factor: float) -> Groups:
        return Groups(self.scores * factor, self.sizes)
