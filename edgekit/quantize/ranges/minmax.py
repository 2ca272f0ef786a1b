# SPDX-License-Identifier: Apache-2.0
"""minmax: everything that was seen fits in."""

from __future__ import annotations

from edgekit.quantize.ranges.histogram import Histogram
from edgekit.quantize.ranges.method import Method


def _choose(histogram: Histogram, _: float) -> tuple[float, float]:
    return histogram.low, histogram.high


MINMAX = Method("minmax", "from the smallest to the largest value seen", _choose)
