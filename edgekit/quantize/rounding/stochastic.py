# SPDX-License-Identifier: Apache-2.0
"""Stochastic: up or down by chance, up the more often the nearer it is; right on average."""

from __future__ import annotations

import numpy as np

from edgekit.quantize.rounding.base import Grid, Inputs


class Stochastic:
    name = "stochastic"
    needs_inputs = False

    def __call__(self, grid: Grid, inputs: Inputs | None, rng: np.random.Generator) -> np.ndarray:
        return grid.held(np.floor(grid.steps + rng.random(grid.steps.shape)))
