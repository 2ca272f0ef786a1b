# SPDX-License-Identifier: Apache-2.0
"""Each weight for itself."""

from __future__ import annotations

import numpy as np

from edgekit.prune.structures.groups import Groups


class Unstructured:
    name = "unstructured"

    def groups(self, scores: np.ndarray) -> Groups:
        return Groups(scores.ravel().astype(np.float64), np.ones(scores.size, np.int64))

    def expand(self, keep: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
        return keep.reshape(shape)

    def note(self, shape: tuple[int, int, int]) -> str:
        return ""
