# SPDX-License-Identifier: Apache-2.0
"""Layers of every shape that the ways for Helium know, side by side in one model."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from tests.support.side_by_side import side_by_side
from tests.support.tflite_builder import SAME, VALID
from tests.support.way_models import (
    conv,
    convolutions,
    denses,
    depthwise,
    depthwises,
    dilated,
    sums,
)

WIDE_SIDES = [(5, 6), (9, 4), (2, 3), (25, 5)]
DEPTHWISE_WIDE = [
    *(
        ((1, *side, c), stride, SAME)
        for side, c, stride in product(WIDE_SIDES, [16, 20], [(1, 1), (2, 2)])
    ),
    ((2, 7, 8, 32), (1, 1), VALID),
    ((1, 1, 6, 16), (1, 1), SAME),
    ((1, 8, 7, 48), (1, 3), SAME),
    ((1, 40, 33, 4), (1, 1), SAME),  # more than one pass
    ((1, 12, 12, 64), (1, 1), SAME),
    ((2, 31, 9, 16), (2, 1), SAME),
]
SIXTEENS = [
    ((1, 6, 8, 16), (3, 3), (1, 1), SAME, 4),
    ((2, 5, 9, 32), (3, 3), (1, 1), SAME, 2),
    ((1, 7, 6, 48), (3, 3), (1, 1), VALID, 6),
    ((1, 2, 3, 16), (3, 3), (1, 1), SAME, 8),
]


def sixteens(function: int, out_zp: int) -> bytes:
    return side_by_side(conv, [(*case, function, out_zp) for case in SIXTEENS])


def depthwises_wide(function: int, out_zp: int) -> bytes:
    return side_by_side(depthwise, [(*case, function, out_zp) for case in DEPTHWISE_WIDE])


HELIUM_MODELS: dict[str, Callable[[int, int], bytes]] = {
    "helium windows": convolutions,
    "helium windows, dilated": dilated,
    "helium 3x3 rows": sixteens,
    "helium rows": denses,
    "helium row": denses,
    "helium columns": depthwises,
    "helium patches": depthwises_wide,
    "helium formula": sums,
}
