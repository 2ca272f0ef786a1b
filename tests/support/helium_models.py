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
    depthwise_any,
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
DEPTHWISE_PATCHES = [
    ((1, 8, 9, 16), (5, 5), (1, 1), (1, 1), 1, SAME),
    ((1, 9, 7, 18), (3, 3), (1, 1), (2, 2), 3, SAME),
    ((2, 11, 6, 5), (2, 4), (2, 3), (1, 1), 1, VALID),
    ((1, 13, 17, 1), (4, 3), (1, 1), (1, 3), 4, SAME),
    ((1, 6, 30, 4), (1, 7), (1, 2), (1, 2), 1, SAME),
    ((1, 17, 5, 24), (8, 1), (2, 1), (1, 1), 2, SAME),
    ((1, 7, 8, 16), (2, 2), (1, 1), (1, 1), 2, SAME),
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


def depthwises_patches(function: int, out_zp: int) -> bytes:
    cases = [(case, function, out_zp) for case in DEPTHWISE_PATCHES]
    return side_by_side(depthwise_any, cases)


HELIUM_MODELS: dict[str, Callable[[int, int], bytes]] = {
    "helium windows": convolutions,
    "helium windows, dilated": dilated,
    "helium 3x3 rows": sixteens,
    "helium rows": denses,
    "helium row": denses,
    "helium columns": depthwises,
    "helium patches": depthwises_wide,
    "helium patches, any": depthwises_patches,
    "helium formula": sums,
}
