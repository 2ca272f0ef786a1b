# SPDX-License-Identifier: Apache-2.0
"""Models whose layers the ways for cores with the DSP extension can run."""

from collections.abc import Callable

from tests.support.side_by_side import side_by_side
from tests.support.tflite_builder import SAME, VALID
from tests.support.way_models import MODELS, convolutions, denses, depthwise_any

DEPTHWISE_TAPS = [
    ((1, 9, 11, 8), (5, 5), (1, 1), (1, 1), 1, SAME),
    ((1, 12, 9, 5), (5, 5), (2, 2), (1, 1), 1, SAME),
    ((1, 9, 7, 4), (3, 3), (1, 1), (2, 2), 1, SAME),
    ((2, 11, 6, 5), (2, 4), (1, 2), (1, 1), 1, VALID),
    ((1, 13, 12, 4), (4, 3), (1, 1), (1, 3), 2, SAME),
    ((1, 6, 30, 4), (1, 7), (1, 2), (1, 2), 1, SAME),
    ((1, 30, 1, 6), (9, 1), (1, 1), (1, 1), 1, SAME),
    ((1, 3, 2, 4), (7, 6), (1, 1), (1, 1), 1, SAME),
    ((1, 40, 33, 4), (5, 3), (1, 1), (1, 1), 1, SAME),  # more than one strip
    ((1, 33, 40, 4), (7, 7), (2, 1), (1, 1), 1, VALID),
    ((1, 20, 38, 4), (3, 5), (3, 2), (3, 1), 2, SAME),
]
MULTIPLIED = [
    ((1, 7, 6, 4), (3, 3), (1, 1), (1, 1), 3, SAME),
    ((1, 6, 9, 6), (3, 3), (2, 2), (1, 1), 2, SAME),
    ((2, 1, 9, 4), (3, 3), (1, 2), (1, 1), 2, SAME),
]
SINGLE = [
    ((1, 9, 10, 1), (4, 3), (2, 1), (1, 1), 8, SAME),
    ((1, 7, 6, 1), (5, 5), (1, 2), (2, 1), 3, SAME),
    ((2, 4, 5, 1), (1, 1), (1, 1), (1, 1), 2, SAME),
]


def single(function: int, out_zp: int) -> bytes:
    return side_by_side(depthwise_any, [(case, function, out_zp) for case in SINGLE])


def depthwise_taps(function: int, out_zp: int) -> bytes:
    return side_by_side(depthwise_any, [(case, function, out_zp) for case in DEPTHWISE_TAPS])


def multiplied(function: int, out_zp: int) -> bytes:
    return side_by_side(depthwise_any, [(case, function, out_zp) for case in MULTIPLIED])


# Name of a way -> a model whose layers that way can run.
DSP_MODELS: dict[str, Callable[[int, int], bytes]] = {
    **MODELS,
    "wide windows": convolutions,
    "wide rows": denses,
    "packed windows, single": single,
    "planes, multiplied": multiplied,
    "planes taps": depthwise_taps,
}
