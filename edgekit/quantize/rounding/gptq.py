# SPDX-License-Identifier: Apache-2.0
"""GPTQ-like: weights are rounded one after the other, and the rest makes up for each error.

The error that counts is that of the layer's outputs on the calibration samples, whose second
moments are the Hessian (Frantar and others, 2022, "GPTQ"; the order is by the activations' size,
as in their option act-order). What is fixed, pruned weights among it, passes its error on and
takes none.
"""

from __future__ import annotations

import numpy as np

from edgekit.quantize.rounding.base import Grid, Inputs, half_away

DAMPING = 0.01  # of the mean of the Hessian's diagonal, as in the paper


class Gptq:
    name = "gptq"
    needs_inputs = True

    def __call__(self, grid: Grid, inputs: Inputs | None, rng: np.random.Generator) -> np.ndarray:
        assert inputs is not None
        parts = np.split(np.arange(grid.steps.shape[1]), inputs.groups)
        whole = np.empty_like(grid.steps)
        for gram, columns in zip(inputs.gram, parts, strict=True):
            part = Grid(grid.steps[:, columns], grid.limit, grid.fixed[:, columns])
            whole[:, columns] = _rounded(part, gram)
        return whole


def _rounded(grid: Grid, gram: np.ndarray) -> np.ndarray:
    """One group: rows in the order of falling input power."""
    power = np.diag(gram)
    order = np.argsort(-power, kind="stable")
    spread = _error_spread(gram[np.ix_(order, order)])
    steps = grid.steps[order].copy()
    ordered = Grid(steps, grid.limit, grid.fixed[order])
    whole = np.empty_like(steps)
    for row in range(len(steps)):
        one = Grid(steps[row], ordered.limit, ordered.fixed[row])
        whole[row] = one.held(half_away(steps[row]))
        error = (steps[row] - whole[row]) / spread[row, row]
        steps[row + 1 :] -= spread[row, row + 1 :, None] * error
    back = np.empty_like(whole)
    back[order] = whole
    return back


def _error_spread(gram: np.ndarray) -> np.ndarray:
    """Upper Cholesky factor of the inverse Hessian: row r says where the error of r goes."""
    power = np.diag(gram)
    damping = DAMPING * max(float(power.mean()), 1e-12)
    inverse = np.linalg.inv(gram + damping * np.eye(len(gram)))
    inverse = (inverse + inverse.T) / 2
    return np.linalg.cholesky(inverse).T
