# SPDX-License-Identifier: Apache-2.0
"""What a way of choosing a range is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgekit.quantize.ranges.histogram import Histogram


@dataclass(frozen=True, slots=True)
class Method:
    """`choose(histogram, number)` gives the real ends of a range; `number` is the method's own.

    `default` is that number where the user gives none, None for a method without one.
    """

    name: str
    words: str
    choose: Callable[[Histogram, float], tuple[float, float]]
    default: float | None = None
