# SPDX-License-Identifier: Apache-2.0
"""Nearest ("integer rounding"): each weight by itself. What the converter does too."""

from __future__ import annotations

import numpy as np

from edgekit.quantize.rounding.base import Grid, Inputs


class Nearest:
    name = "nearest"
    needs_inputs = False

    def __call__(self, grid: Grid, inputs: Inputs | None, rng: np.random.Generator) -> np.ndarray:
        return grid.nearest()
