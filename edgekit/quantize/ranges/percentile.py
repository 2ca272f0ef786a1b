# SPDX-License-Identifier: Apache-2.0
"""percentile: a small share of the values at either end is cut off."""

from __future__ import annotations

from edgekit.quantize.ranges.histogram import Histogram
from edgekit.quantize.ranges.method import Method

DEFAULT = 99.999  # the best of 99.9, 99.99 and 99.999 on a ResNet with 100 and 500 images


def _choose(histogram: Histogram, percent: float) -> tuple[float, float]:
    low, high = histogram.percentiles([100.0 - percent, percent])
    return float(low), float(high)


PERCENTILE = Method(
    "percentile",
    f"cuts off what lies beyond the percentile at either end, {DEFAULT} or percentile:NUMBER",
    _choose,
    DEFAULT,
)
