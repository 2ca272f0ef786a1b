# SPDX-License-Identifier: Apache-2.0
"""What a rounding gets and gives: a kernel as a matrix of steps, one column per output channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Weights in units of their channel's scale.

    `steps` float64 [rows, channels]: a row is one weight of each channel's sum. `limit` is the
    largest whole number of steps. `fixed` [rows, channels] is NaN where a rounding is free, and
    the only allowed value elsewhere: 0 where the weight is 0 (pruned), and the limit for the
    largest weight of each channel, from which the converter finds the scale again.
    """

    steps: np.ndarray
    limit: int
    fixed: np.ndarray

    @property
    def free(self) -> np.ndarray:
        return np.isnan(self.fixed)

    def nearest(self) -> np.ndarray:
        """Each weight's nearest whole number, halves away from zero; float64."""
        return self.held(half_away(self.steps))

    def held(self, whole: np.ndarray) -> np.ndarray:
        """`whole` within the limits and with what is fixed."""
        clipped = np.clip(whole, -self.limit, self.limit)
        return np.where(self.free, clipped, self.fixed)


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What calibration samples put into a kernel, over all positions that it is applied at.

    `mean` [groups, rows], `gram` [groups, rows, rows] = E[x x^T]. Channel c of the kernel reads
    group c // (channels / groups): one group but for grouped and depthwise convolutions.
    """

    mean: np.ndarray
    gram: np.ndarray
    positions: int

    @property
    def groups(self) -> int:
        return len(self.mean)


class Rounding(Protocol):
    """`needs_inputs` says that it looks at Inputs; without them it cannot be used."""

    @property
    def name(self) -> str: ...

    @property
    def needs_inputs(self) -> bool: ...

    def __call__(
        self, grid: Grid, inputs: Inputs | None, rng: np.random.Generator
    ) -> np.ndarray: ...


def half_away(values: np.ndarray) -> np.ndarray:
    """Whole numbers, halves away from zero, as TFLite rounds."""
    return np.trunc(values + np.copysign(0.5, values))
