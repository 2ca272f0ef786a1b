# SPDX-License-Identifier: Apache-2.0
"""mse: the range whose rounding and clipping together make the smallest mean squared error.

Both ends are searched, each from what was seen down to a small part of it. The trade-off is that
of Sung et al., "Resiliency of deep neural networks under quantization" (2015), and Banner et al.,
"Post training 4-bit quantization" (2019), here for the values as they are instead of a law.
"""

from __future__ import annotations

import numpy as np

from edgekit.quantize.ranges.histogram import Histogram
from edgekit.quantize.ranges.method import Method
from edgekit.quantize.ranges.noise import Noise

# Parts of an end that are tried: every hundredth, below a fifth by a constant ratio.
_PARTS = np.concatenate([np.geomspace(0.002, 0.2, 30)[:-1], np.linspace(0.2, 1.0, 81)])


def _choose(histogram: Histogram, _: float) -> tuple[float, float]:
    ends_low = _PARTS * histogram.low if histogram.low < 0 else np.zeros(1)
    ends_high = _PARTS * histogram.high if histogram.high > 0 else np.zeros(1)
    low, high = (grid.ravel() for grid in np.meshgrid(ends_low, ends_high))
    best = int(np.argmin(Noise(histogram).of(low, high)))
    return float(low[best]), float(high[best])


MSE = Method("mse", "the smallest mean squared error of rounding and clipping together", _choose)
