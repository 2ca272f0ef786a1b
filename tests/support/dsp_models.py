# SPDX-License-Identifier: Apache-2.0
"""Models whose layers the ways for cores with the DSP extension can run."""

from collections.abc import Callable

import numpy as np

from tests.support.side_by_side import side_by_side
from tests.support.tflite_builder import SAME, VALID
from tests.support.way_models import DILATED, MODELS, conv, convolutions, denses, depthwise_any

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
    ((1, 1, 50, 4), (1, 31), (1, 1), (1, 1), 1, SAME),
    ((1, 41, 1, 5), (11, 1), (2, 1), (3, 1), 2, SAME),
    ((1, 20, 38, 4), (3, 5), (3, 2), (3, 1), 2, SAME),
]
MULTIPLIED = [
    ((1, 7, 6, 4), (3, 3), (1, 1), (1, 1), 3, SAME),
    ((1, 6, 9, 6), (3, 3), (2, 2), (1, 1), 2, SAME),
    ((2, 1, 9, 4), (3, 3), (1, 2), (1, 1), 2, SAME),
]
FEW_CHANNELS = [
    ((1, 9, 10, 1), (4, 3), (2, 1), (1, 1), 8, SAME),
    ((1, 7, 6, 1), (5, 5), (1, 2), (2, 1), 3, SAME),
    ((2, 4, 5, 1), (1, 1), (1, 1), (1, 1), 2, SAME),
    ((1, 7, 6, 3), (3, 3), (1, 1), (1, 1), 1, SAME),
    ((1, 8, 9, 2), (3, 2), (2, 2), (1, 2), 3, SAME),
]
LINES = [
    ((1, 1, 20, 8), (1, 3), (1, 1), SAME, 6, (1, 4)),
    ((2, 1, 19, 3), (1, 5), (1, 2), VALID, 4, (1, 2)),
]
ONE = [
    ((1, 6, 7, 5), (3, 3), (1, 1), SAME, 1),
    ((1, 5, 5, 8), (1, 1), (1, 1), SAME, 1),
    ((2, 3, 3, 4), (2, 2), (2, 1), VALID, 1),
    ((1, 2, 1, 9), (1, 1), (1, 1), SAME, 1),
]
GROUPS = [((1, 6, 7, 8), (3, 3), (1, 1), 2, 6), ((1, 5, 5, 6), (1, 1), (1, 1), 3, 3)]


def few_channels(function: int, out_zp: int) -> bytes:
    return side_by_side(depthwise_any, [(case, function, out_zp) for case in FEW_CHANNELS])


def dilated_any(function: int, out_zp: int) -> bytes:
    def add(b, shape, kernel, stride, padding, out_c, dilation):
        case = (shape, kernel, stride, padding, out_c, function, out_zp)
        return conv(b, *case, dilation=dilation)

    return side_by_side(add, DILATED + LINES)


def one_channel(function: int, out_zp: int) -> bytes:
    return side_by_side(conv, [(*case, function, out_zp) for case in ONE])


def grouped(function: int, out_zp: int) -> bytes:
    """CONV_2D of `groups` groups."""

    def add(b, shape, kernel, stride, groups, out_c):
        rng = np.random.default_rng(hash((shape, kernel, groups)) % (1 << 32))
        x = b.input(shape, scale=0.04, zero_point=-5)
        values = rng.integers(-127, 128, (out_c, *kernel, shape[3] // groups)).astype(np.int8)
        w = b.constant(values, scales=list(rng.uniform(0.002, 0.01, out_c)), axis=0)
        bias = b.constant(rng.integers(-9000, 9000, out_c).astype(np.int32), scale=1e-4)
        options = {"padding": SAME, "stride_h": stride[0], "stride_w": stride[1]}
        options |= {"dilation_h_factor": 1, "dilation_w_factor": 1}
        options |= {"fused_activation_function": function}
        out = (*shape[:3], out_c)
        return b.op("CONV_2D", [x, w, bias], out, scale=0.4, zero_point=out_zp, options=options)

    return side_by_side(add, GROUPS)


def depthwise_taps(function: int, out_zp: int) -> bytes:
    return side_by_side(depthwise_any, [(case, function, out_zp) for case in DEPTHWISE_TAPS])


def multiplied(function: int, out_zp: int) -> bytes:
    return side_by_side(depthwise_any, [(case, function, out_zp) for case in MULTIPLIED])


# Name of a way -> a model whose layers that way can run.
DSP_MODELS: dict[str, Callable[[int, int], bytes]] = {
    **MODELS,
    "wide windows": convolutions,
    "wide rows": denses,
    "packed windows, few channels": few_channels,
    "packed windows, dilated": dilated_any,
    "packed windows, one channel": one_channel,
    "packed windows, groups": grouped,
    "planes, multiplied": multiplied,
    "planes taps": depthwise_taps,
}
