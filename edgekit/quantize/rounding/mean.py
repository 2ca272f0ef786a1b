# SPDX-License-Identifier: Apache-2.0
"""Mean-preserving ("mean rounding"): the errors of a channel's weights sum up to nothing.

Nearest rounding leaves each channel a mean error, which inputs of one sign (those behind a ReLU)
turn into a shift of the output. Here the weights that were rounded with the least conviction go
the other way until less than half a step of the sum is left.
"""

from __future__ import annotations

import numpy as np

from edgekit.quantize.rounding.base import Grid, Inputs


class Mean:
    name = "mean"
    needs_inputs = False

    def __call__(self, grid: Grid, inputs: Inputs | None, rng: np.random.Generator) -> np.ndarray:
        whole = grid.nearest()
        error = whole - grid.steps
        excess = error.sum(axis=0)
        direction = np.where(excess < 0, -1.0, 1.0)
        # How far beyond the half a weight was pushed in the direction of the channel's error.
        pushed = error * direction
        open_to_it = grid.free & (np.abs(whole - direction) <= grid.limit) & (pushed > 0)
        order = np.argsort(np.where(open_to_it, -pushed, np.inf), axis=0, kind="stable")
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(len(order))[:, None], axis=0)
        flips = (rank < np.rint(np.abs(excess))) & open_to_it
        return np.where(flips, whole - direction, whole)
