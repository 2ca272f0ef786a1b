# SPDX-License-Identifier: Apache-2.0
"""The scale of each channel: from its largest weight, or where the squared error is least."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit.quantize.rounding.base import half_away

SHRINKS = np.linspace(1.0, 0.3, 71)
SMALLEST = float(np.finfo(np.float32).tiny)


def max_scale(matrix: np.ndarray, limit: int) -> np.ndarray:
    """max|w| / limit for each column, float32; 1 for a column without weights."""
    return _sound(np.max(np.abs(matrix), axis=0, initial=0.0) / limit)


def mse_scale(matrix: np.ndarray, limit: int) -> np.ndarray:
    """Of SHRINKS times the largest weight that which leaves the least squared error."""
    top = np.max(np.abs(matrix), axis=0, initial=0.0) / limit
    best, least = top.copy(), np.full(top.shape, np.inf)
    for shrink in SHRINKS:
        scale = _sound(top * shrink)
        whole = np.clip(half_away(matrix / scale), -limit, limit)
        error = np.sum((whole * scale - matrix) ** 2, axis=0)
        better = error < least
        best[better], least[better] = scale[better], error[better]
    return _sound(best)


def _sound(scale: np.ndarray) -> np.ndarray:
    """As float32, 1 where there is nothing to scale."""
    scale = np.asarray(scale, np.float32)
    return np.where(scale < SMALLEST, np.float32(1), scale)


SCALES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {"max": max_scale, "mse": mse_scale}
