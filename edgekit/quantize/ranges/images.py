# SPDX-License-Identifier: Apache-2.0
"""Is an input an image? Its values lie on the 256 levels of a pixel, however they are scaled."""

from __future__ import annotations

import numpy as np

# real = pixel / divisor - shift: bytes as they are, scaled to 0..1, and to -1..1
_SCALES = ((1.0, 0.0), (255.0, 0.0), (127.5, 1.0))
_NEAR = 1e-3  # of a level, for what a division in float32 leaves


class Pixels:
    """Which scales of pixels the samples seen so far can have."""

    def __init__(self) -> None:
        self._possible = list(_SCALES)
        self._bright = False

    def add(self, values: np.ndarray) -> None:
        x = np.asarray(values, np.float64).ravel()
        self._possible = [scale for scale in self._possible if _fits(x, scale)]
        # a mask of 0 and 1 is a whole number too, and no picture
        self._bright = self._bright or bool(x.max(initial=0.0) > 16.0)

    def range(self) -> tuple[float, float] | None:
        """The real values of pixels 0 and 255; None for anything else than an image."""
        for divisor, shift in self._possible:
            if divisor != 1.0 or self._bright:
                return 0.0 / divisor - shift, 255.0 / divisor - shift
        return None


def _fits(x: np.ndarray, scale: tuple[float, float]) -> bool:
    divisor, shift = scale
    pixels = (x + shift) * divisor
    if pixels.min(initial=0.0) < -_NEAR * 255 or pixels.max(initial=0.0) > 255 * (1 + _NEAR):
        return False
    return bool(np.abs(pixels - np.round(pixels)).max(initial=0.0) <= max(_NEAR, 1e-6 * divisor))
