# SPDX-License-Identifier: Apache-2.0
"""The table of methods, and a range for every tensor by one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgekit.errors import EdgekitError
from edgekit.quantize.ranges.histogram import Histogram
from edgekit.quantize.ranges.kl import KL
from edgekit.quantize.ranges.measure import Measured
from edgekit.quantize.ranges.method import Method
from edgekit.quantize.ranges.minmax import MINMAX
from edgekit.quantize.ranges.mse import MSE
from edgekit.quantize.ranges.percentile import PERCENTILE

CONVERTER = "converter"  # TensorFlow's own ranges: no method of ours
METHODS: dict[str, Method] = {m.name: m for m in (MINMAX, PERCENTILE, MSE, KL)}
DEAD = (0.0, 1.0)  # for a tensor that was never anything but 0: any range holds that


@dataclass(frozen=True, slots=True)
class Chosen:
    """Ranges by tensor index, and the tensors whose every value was 0."""

    ranges: dict[int, tuple[float, float]]
    dead: tuple[int, ...]


def method_named(text: str) -> Method:
    """The method of "mse" or "percentile:99.9"; EdgekitError for any other word."""
    name, _, number = text.partition(":")
    names = ", ".join((CONVERTER, *METHODS))
    if name not in METHODS:
        raise EdgekitError(
            f"calibration '{text}' is not one of {names}", hint="leave --calibration away"
        )
    method = METHODS[name]
    if not number:
        return method
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if method.default is None or not 50.0 < value <= 100.0:
        raise EdgekitError(
            f"calibration '{text}' is not understood",
            hint="percentile takes a number above 50 and up to 100, such as percentile:99.99",
        )
    return replace(method, default=value)


def choose_ranges(measured: Measured, method: Method) -> Chosen:
    """One range per tensor; every range holds 0, as TFLite asks.

    Inputs that hold images keep the full range of their pixels.
    """
    ranges: dict[int, tuple[float, float]] = {}
    dead = []
    for index, histogram in measured.histograms.items():
        if histogram.low == histogram.high == 0.0:
            dead.append(index)
            ranges[index] = DEAD
        else:
            ranges[index] = measured.images.get(index) or _range(histogram, method)
    return Chosen(ranges, tuple(dead))


def _range(histogram: Histogram, method: Method) -> tuple[float, float]:
    low, high = method.choose(histogram, method.default or 0.0)
    if low >= 0.0 >= high:  # all was cut off: a method that found nothing
        low, high = histogram.low, histogram.high
    return min(low, 0.0), max(high, 0.0)
