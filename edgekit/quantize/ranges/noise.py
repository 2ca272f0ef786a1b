# SPDX-License-Identifier: Apache-2.0
"""The error that a range would make of a tensor's values, from their histogram."""

from __future__ import annotations

import numpy as np

from edgekit.quantize.ranges.histogram import Histogram

LEVELS = 255  # steps of an int8 range


class Noise:
    """Sums over a histogram that give the error of any range in no time."""

    def __init__(self, histogram: Histogram) -> None:
        centres, counts, _ = histogram.bins()
        self._centres = centres
        self._whole = _Sums(centres, counts)
        order = np.argsort(np.abs(centres), kind="stable")
        self._sizes = np.abs(centres[order])
        self._small = _Sums(self._sizes, counts[order])
        self._count = max(histogram.count, 1)

    def of(self, low: np.ndarray, high: np.ndarray, levels: int = LEVELS) -> np.ndarray:
        """Mean squared error for ranges `low`..`high` (arrays of one shape, holding 0).

        `levels` are the steps between them.

        Values outside are clipped. Those inside err by step^2 / 12 on average, as the rounding of
        values spread over a step does; below half a step they become 0. Exact zeros err by
        nothing.
        """
        below = np.searchsorted(self._centres, low, "left")
        above = np.searchsorted(self._centres, high, "right")
        clipped = self._whole.squares_to(below, low) + self._whole.squares_from(above, high)
        step = (high - low) / levels
        tiny = np.searchsorted(self._sizes, step / 2, "right")
        rounded = np.maximum(self._whole.between(below, above) - self._small.counts[tiny], 0)
        lost = self._small.squares[tiny]
        return np.asarray((clipped + lost + rounded * step**2 / 12) / self._count)

    def clipped(self, low: float, high: float) -> float:
        """Share of all values that lie outside."""
        ends = np.array([low]), np.array([high])
        below = np.searchsorted(self._centres, ends[0], "left")
        above = np.searchsorted(self._centres, ends[1], "right")
        outside = self._whole.counts[-1] - self._whole.between(below, above)
        return float(outside[0] / self._count)


class _Sums:
    """Running sums of counts, of values and of squares, each beginning with 0."""

    def __init__(self, values: np.ndarray, counts: np.ndarray) -> None:
        weights = counts.astype(np.float64)
        self.counts = _running(weights)
        self.values = _running(weights * values)
        self.squares = _running(weights * values**2)

    def between(self, first: np.ndarray, end: np.ndarray) -> np.ndarray:
        return np.asarray(self.counts[end] - self.counts[first])

    def squares_to(self, end: np.ndarray, edge: np.ndarray) -> np.ndarray:
        """Sum of (value - edge)^2 before place `end`."""
        n, s, q = self.counts[end], self.values[end], self.squares[end]
        return np.asarray(np.maximum(q - 2 * edge * s + edge**2 * n, 0.0))

    def squares_from(self, start: np.ndarray, edge: np.ndarray) -> np.ndarray:
        n = self.counts[-1] - self.counts[start]
        s = self.values[-1] - self.values[start]
        q = self.squares[-1] - self.squares[start]
        return np.asarray(np.maximum(q - 2 * edge * s + edge**2 * n, 0.0))


def _running(values: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(values)])
