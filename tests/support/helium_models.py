# SPDX-License-Identifier: Apache-2.0
"""Layers of every shape that the ways for Helium know, side by side in one model."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from tests.support.side_by_side import side_by_side
from tests.support.tflite_builder import SAME, VALID, ModelBuilder
from tests.support.way_models import (
    conv,
    convolutions,
    denses,
    depthwise,
    depthwise_any,
    depthwises,
    dilated,
    out_side,
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
GROUPED = [
    ((1, 5, 6, 8), (3, 3), (1, 1), SAME, 8, 2),
    ((1, 4, 5, 12), (1, 1), (1, 1), SAME, 6, 3),
    ((2, 7, 5, 32), (2, 3), (2, 1), VALID, 16, 8),
]
WINDOWS = [
    ((1, 15, 17, 4), (15, 17), (1, 1), VALID),
    ((2, 5, 6, 18), (2, 3), (2, 2), SAME),
    ((1, 7, 7, 33), (3, 3), (1, 2), SAME),
    ((1, 4, 4, 16), (1, 1), (2, 2), VALID),
    ((1, 4, 6, 5), (2, 2), (2, 2), VALID),
]
MEANS = [((2, 5, 7, 20), [1, 2]), ((1, 16, 16, 9), [1, 2]), ((2, 3, 4, 8), [0]), ((3, 4, 8), [1])]
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


def grouped(function: int, out_zp: int) -> bytes:
    def add(b, shape, kernel, stride, padding, out_c, groups):
        rng = np.random.default_rng(groups)
        values = rng.integers(-127, 128, (out_c, *kernel, shape[3] // groups)).astype(np.int8)
        case = (shape, kernel, stride, padding, out_c, function, out_zp)
        return conv(b, *case, weights=values)

    return side_by_side(add, GROUPED)


def window(b: ModelBuilder, kind: str, case: tuple, function: int, out_zp: int) -> int:
    shape, kernel, stride, padding = case
    x = b.input(shape, scale=0.05, zero_point=out_zp)
    sides = [out_side(shape[1 + i], kernel[i], stride[i], padding) for i in (0, 1)]
    options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1]}
    options |= {"filter_height": kernel[0], "filter_width": kernel[1]}
    return b.op(
        kind,
        [x],
        (shape[0], *sides, shape[3]),
        scale=0.05,
        zero_point=out_zp,
        options=options | {"fused_activation_function": function},
    )


def windows(function: int, out_zp: int) -> bytes:
    kinds = ("MAX_POOL_2D", "AVERAGE_POOL_2D")
    cases = [(kind, case, function, out_zp) for kind in kinds for case in WINDOWS]
    return side_by_side(window, cases)


def mean(b: ModelBuilder, kind: str, shape: tuple, axes: list[int], out_zp: int) -> int:
    x = b.input(shape, scale=0.05, zero_point=-7)
    kept = tuple(side for axis, side in enumerate(shape) if axis not in axes)
    return b.op(kind, [x, b.constant(axes)], kept, scale=0.043, zero_point=out_zp)


def means(function: int, out_zp: int) -> bytes:
    cases = [(kind, *case, out_zp) for kind in ("MEAN", "SUM") for case in MEANS]
    return side_by_side(mean, cases)


def table(b: ModelBuilder, kind: str, count: int, out_zp: int) -> int:
    x = b.input((1, count), scale=0.05, zero_point=-7)
    scale, zero_point = (1 / 256, -128) if kind == "LOGISTIC" else (0.04, out_zp)
    return b.op(kind, [x], (1, count), scale=scale, zero_point=zero_point)


def tables(function: int, out_zp: int) -> bytes:
    cases = [(kind, count, out_zp) for kind in ("LOGISTIC", "HARD_SWISH") for count in (5, 32, 47)]
    return side_by_side(table, cases)


HELIUM_MODELS: dict[str, Callable[[int, int], bytes]] = {
    "helium windows": convolutions,
    "helium windows, dilated": dilated,
    "helium windows, grouped": grouped,
    "helium 3x3 rows": sixteens,
    "helium rows": denses,
    "helium row": denses,
    "helium columns": depthwises,
    "helium patches": depthwises_wide,
    "helium patches, any": depthwises_patches,
    "helium formula": sums,
    "helium pool": windows,
    "helium mean": means,
    "helium table": tables,
}
