# SPDX-License-Identifier: Apache-2.0
"""kl: the range whose 256 levels keep most of the information in the distribution.

Migacz, "8-bit inference with TensorRT" (2017): the distribution clipped at both ends against the
same in 256 levels, by Kullback-Leibler divergence. Values that are exactly 0 are left out: behind
a ReLU they are most of all, and with them the method clips at a quarter of the range.
"""

from __future__ import annotations

import numpy as np

from edgekit.quantize.ranges.histogram import Histogram
from edgekit.quantize.ranges.method import Method

_BINS = 2048
_LEVELS = 256
_PARTS = np.linspace(1.0, 0.15, 86)


def _choose(histogram: Histogram, _: float) -> tuple[float, float]:
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    centres, counts, _width = histogram.bins()
    if not len(centres):
        return low, high
    found = np.histogram(centres, _BINS, (low, high), weights=counts)[0].astype(np.float64)
    edges = np.linspace(low, high, _BINS + 1)
    scores = [_divergence(found, edges, low * part, high * part) for part in _PARTS]
    best = float(_PARTS[int(np.argmin(scores))])
    return low * best, high * best


def _divergence(counts: np.ndarray, edges: np.ndarray, low: float, high: float) -> float:
    first = int(np.searchsorted(edges, low, "right")) - 1
    end = max(int(np.searchsorted(edges, high, "left")), first + 1)
    inside = counts[first:end]
    if not inside.sum():
        return float("inf")
    clipped = inside.copy()
    clipped[0] += counts[:first].sum()
    clipped[-1] += counts[end:].sum()
    levels = (np.arange(len(inside)) * _LEVELS) // len(inside)
    used = inside > 0
    sums = np.bincount(levels, inside, minlength=_LEVELS)
    sizes = np.bincount(levels, used, minlength=_LEVELS)
    spread = np.where(used, sums[levels] / np.maximum(sizes[levels], 1), 0.0)
    return _kl(clipped, spread)


def _kl(clipped: np.ndarray, spread: np.ndarray) -> float:
    """Of two histograms of the same values; a bin that only the first has costs as if it were
    a ten thousandth of a value, since the divergence itself would be infinite."""
    p = clipped / clipped.sum()
    q = np.where(spread > 0, spread, 1e-4)
    q = q / q.sum()
    used = p > 0
    return float(np.sum(p[used] * np.log(p[used] / q[used])))


KL = Method("kl", "keeps most of the distribution's information (zeros left out)", _choose)
