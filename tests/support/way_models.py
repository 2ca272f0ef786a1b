# SPDX-License-Identifier: Apache-2.0
"""Layers of every shape that lower/ways knows, side by side in one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from edgekit.lower.program import Target
from edgekit.lower.ways import Way
from edgekit.tflite.graph import Graph
from tests.support.side_by_side import side_by_side
from tests.support.tflite_builder import NONE, RELU, RELU6, SAME, VALID

FUNCTIONS = [(NONE, 3), (RELU, -128), (RELU, -100), (RELU6, -128)]


def out_side(size, taps, stride, padding):
    return -(-size // stride) if padding == SAME else (size - taps) // stride + 1


def conv(
    b,
    shape,
    kernel,
    stride,
    padding,
    out_c,
    function=NONE,
    out_zp=3,
    scale=0.6,
    weights=None,
    dilation=(1, 1),
):
    """CONV_2D of `kernel` (h, w) taps with random weights up to 127."""
    rng = np.random.default_rng(hash((shape, kernel, stride, out_c)) % (1 << 32))
    x = b.input(shape, scale=0.04, zero_point=-5)
    values = rng.integers(-127, 128, (out_c, *kernel, shape[3])).astype(np.int8)
    values = values if weights is None else weights
    w = b.constant(values, scales=list(rng.uniform(0.002, 0.01, out_c)), axis=0)
    bias = b.constant(rng.integers(-9000, 9000, out_c).astype(np.int32), scale=1e-4)
    reach = [(kernel[i] - 1) * dilation[i] + 1 for i in (0, 1)]
    sides = [out_side(shape[1 + i], reach[i], stride[i], padding) for i in (0, 1)]
    options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1]}
    options |= {"dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1]}
    return b.op(
        "CONV_2D",
        [x, w, bias],
        (shape[0], *sides, out_c),
        scale=scale,
        zero_point=out_zp,
        options=options | {"fused_activation_function": function},
    )


def depthwise(b, shape, stride, padding, function=NONE, out_zp=3):
    rng = np.random.default_rng(hash((shape, stride)) % (1 << 32))
    c = shape[3]
    x = b.input(shape, scale=0.04, zero_point=7)
    values = rng.integers(-127, 128, (1, 3, 3, c)).astype(np.int8)
    w = b.constant(values, scales=list(rng.uniform(0.002, 0.02, c)), axis=3)
    bias = b.constant(rng.integers(-900, 900, c).astype(np.int32), scale=1e-4)
    sides = [out_side(shape[1 + i], 3, stride[i], padding) for i in (0, 1)]
    options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1]}
    return b.op(
        "DEPTHWISE_CONV_2D",
        [x, w, bias],
        (shape[0], *sides, c),
        scale=0.15,
        zero_point=out_zp,
        options=options | {"fused_activation_function": function},
    )


def depthwise_any(b, case, function=NONE, out_zp=3):
    """`case`: shape, kernel, stride, dilation, multiplier, padding."""
    shape, kernel, stride, dilation, multiplier, padding = case
    rng = np.random.default_rng(hash(case) % (1 << 32))
    c = shape[3] * multiplier
    x = b.input(shape, scale=0.04, zero_point=-11)
    values = rng.integers(-127, 128, (1, *kernel, c)).astype(np.int8)
    w = b.constant(values, scales=list(rng.uniform(0.002, 0.02, c)), axis=3)
    bias = b.constant(rng.integers(-900, 900, c).astype(np.int32), scale=1e-4)
    reach = [(kernel[i] - 1) * dilation[i] + 1 for i in (0, 1)]
    sides = [out_side(shape[1 + i], reach[i], stride[i], padding) for i in (0, 1)]
    options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1]}
    options |= {"dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1]}
    options |= {"depth_multiplier": multiplier, "fused_activation_function": function}
    return b.op(
        "DEPTHWISE_CONV_2D",
        [x, w, bias],
        (shape[0], *sides, c),
        scale=0.2,
        zero_point=out_zp,
        options=options,
    )


def dense(b, rows, depth, out_c, function=NONE, out_zp=3):
    """Odd numbers of channels have a scale each, even ones share theirs."""
    rng = np.random.default_rng(rows + 7 * depth + 11 * out_c)
    x = b.input((rows, depth), scale=0.05, zero_point=-9)
    values = rng.integers(-127, 128, (out_c, depth)).astype(np.int8)
    each = {"scales": list(rng.uniform(0.002, 0.01, out_c)), "axis": 0}
    w = b.constant(values, **(each if out_c % 2 else {"scale": 0.004}))
    bias = b.constant(rng.integers(-9000, 9000, out_c).astype(np.int32), scale=2e-4)
    options = {"fused_activation_function": function}
    return b.op(
        "FULLY_CONNECTED",
        [x, w, bias],
        (rows, out_c),
        scale=0.3,
        zero_point=out_zp,
        options=options,
    )


def sum_of_two(b, kind, shape, scales, zero_points, function=NONE, out_zp=3):
    """ADD or SUB; scales and zero points of a, b; the output's scale is the third."""
    x = b.input(shape, scale=scales[0], zero_point=zero_points[0])
    y = b.input(shape, scale=scales[1], zero_point=zero_points[1])
    options = {"fused_activation_function": function}
    return b.op(kind, [x, y], shape, scale=scales[2], zero_point=out_zp, options=options)


CONVOLUTIONS = [
    ((1, 5, 6, 3), (3, 3), (1, 1), SAME, 8),
    ((1, 7, 9, 4), (3, 3), (2, 2), SAME, 5),
    ((2, 8, 5, 8), (3, 3), (2, 1), VALID, 6),
    ((1, 12, 10, 1), (10, 4), (2, 2), SAME, 4),
    ((1, 3, 3, 6), (5, 5), (1, 1), SAME, 3),
    ((1, 2, 2, 5), (1, 1), (1, 1), VALID, 7),
    ((1, 3, 3, 16), (1, 1), (1, 1), SAME, 16),
    ((1, 5, 5, 7), (1, 1), (2, 2), SAME, 2),
    ((1, 4, 4, 2), (2, 3), (1, 2), VALID, 9),
]
DEPTHWISE = [
    *(
        ((1, *side, c), stride, SAME)
        for side, c, stride in product(
            [(5, 6), (9, 4), (3, 3), (25, 5), (1, 2)], [4, 6, 12], [(1, 1), (2, 2)]
        )
    ),
    ((2, 7, 8, 5), (1, 1), VALID),
    *(((1, 7, 9, 8), stride, VALID) for stride in ((2, 1), (1, 3), (2, 2))),
    ((1, 40, 33, 4), (1, 1), SAME),  # more than one strip
]
DENSE = [(1, 8, 8), (1, 7, 9), (1, 33, 17), (3, 64, 24), (5, 6, 2), (1, 5, 3), (1, 130, 40)]
DENSE += [(1, 6, 1), (5, 9, 1)]


def convolutions(function: int, out_zp: int) -> bytes:
    return side_by_side(conv, [(*case, function, out_zp) for case in CONVOLUTIONS])


def depthwises(function: int, out_zp: int) -> bytes:
    return side_by_side(depthwise, [(*case, function, out_zp) for case in DEPTHWISE])


def denses(function: int, out_zp: int) -> bytes:
    return side_by_side(dense, [(*case, function, out_zp) for case in DENSE])


SUMS = [
    ("ADD", (1, 5, 3, 3), (0.05, 0.05, 0.1), (0, 0)),
    ("ADD", (1, 17), (0.0313, 0.0907, 0.1017), (-128, 5)),
    ("ADD", (1, 4), (0.01113, 0.000717, 0.00917), (127, -128)),
    ("ADD", (1, 3), (0.02, 0.3, 0.31), (-7, 99)),
    ("ADD", (1, 64), (0.0123, 0.0109, 0.5171), (-7, 99)),
    ("SUB", (2, 2, 9), (0.0517, 0.0433, 0.1019), (3, -9)),
]


def sums(function: int, out_zp: int) -> bytes:
    return side_by_side(sum_of_two, [(*case, function, out_zp) for case in SUMS])


WINOGRADS = [
    ((1, 8, 8, 4), (3, 3), (1, 1), SAME, 4),
    ((1, 9, 7, 8), (3, 3), (1, 1), SAME, 6),
    ((2, 5, 18, 12), (3, 3), (1, 1), VALID, 2),
    ((1, 3, 3, 20), (3, 3), (1, 1), VALID, 4),
    ((1, 2, 2, 16), (3, 3), (1, 1), SAME, 16),
    ((1, 17, 21, 36), (3, 3), (1, 1), SAME, 8),
]


def winograds(function: int, out_zp: int) -> bytes:
    return side_by_side(conv, [(*case, function, out_zp) for case in WINOGRADS])


def pool(b, shape, window, stride, padding, function=NONE, out_zp=3):
    """AVERAGE_POOL_2D; input and output share scale and zero point."""
    x = b.input(shape, scale=0.05, zero_point=out_zp)
    sides = [out_side(shape[1 + i], window[i], stride[i], padding) for i in (0, 1)]
    options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1]}
    options |= {"filter_height": window[0], "filter_width": window[1]}
    return b.op(
        "AVERAGE_POOL_2D",
        [x],
        (shape[0], *sides, shape[3]),
        scale=0.05,
        zero_point=out_zp,
        options=options | {"fused_activation_function": function},
    )


POOLS = [
    ((1, 15, 17, 4), (15, 17), (1, 1), VALID),
    ((2, 5, 6, 8), (2, 3), (2, 2), SAME),
    ((1, 7, 7, 12), (3, 3), (1, 2), SAME),
]


def pools(function: int, out_zp: int) -> bytes:
    return side_by_side(pool, [(*case, function, out_zp) for case in POOLS])


# Name of a way -> a model whose layers that way can run.
MODELS: dict[str, Callable[[int, int], bytes]] = {
    "packed windows": convolutions,
    "packed rows": denses,
    "packed row": denses,
    "planes": depthwises,
    "formula": sums,
    "pool lanes": pools,
    "winograd": winograds,
    "winograd small": winograds,
}
DILATED = [
    ((1, 9, 8, 3), (3, 3), (1, 1), SAME, 5, (2, 1)),
    ((1, 9, 9, 4), (3, 2), (1, 1), VALID, 6, (2, 3)),
    ((2, 7, 11, 16), (2, 3), (2, 1), SAME, 4, (1, 2)),
]
DEEP = [
    ((1, 7, 5, 32), (3, 3), (2, 2), SAME, 6),
    ((1, 5, 6, 25), (4, 3), (1, 1), VALID, 4),
    ((1, 3, 3, 300), (1, 1), (1, 1), SAME, 5),
]
DEPTHWISE_ANY = [
    ((1, 8, 9, 3), (5, 5), (1, 1), (1, 1), 1, SAME),
    ((1, 9, 7, 2), (3, 3), (1, 1), (2, 2), 3, SAME),
    ((2, 11, 6, 5), (2, 4), (2, 3), (1, 1), 1, VALID),
    ((1, 13, 12, 1), (4, 3), (1, 1), (1, 3), 4, SAME),
    ((1, 6, 30, 4), (1, 7), (1, 2), (1, 2), 1, SAME),
]


def dilated(function: int, out_zp: int) -> bytes:
    def add(b, shape, kernel, stride, padding, out_c, dilation):
        case = (shape, kernel, stride, padding, out_c, function, out_zp)
        return conv(b, *case, dilation=dilation)

    return side_by_side(add, DILATED)


def deep(function: int, out_zp: int) -> bytes:
    """Convolutions whose sums need more than 21 bits."""
    return side_by_side(conv, [(*case, function, out_zp, 0.25) for case in DEEP])


def depthwises_any(function: int, out_zp: int) -> bytes:
    return side_by_side(depthwise_any, [(case, function, out_zp) for case in DEPTHWISE_ANY])


# (way, models) of the kernels for cores without DSP, and for Helium.
PLAIN_MODELS: dict[str, Callable[[int, int], bytes]] = {
    "plain windows": convolutions,
    "plain windows, dilated": dilated,
    "plain rows": denses,
    "plain row": denses,
    "plain winograd": winograds,
    "plain lines": depthwises,
    "plain lines, any": depthwises_any,
    "trio windows": convolutions,
    "trio windows, dilated": dilated,
    "trio rows": denses,
    "trio windows in parts": deep,
    "trio rows in parts": deep,
    "trio lines": depthwises,
    "trio lines, any": depthwises_any,
    "formula": sums,
}


def only(way: str) -> Callable[[Sequence[Sequence[Way]], Graph, Target], list[Way]]:
    """A chooser that takes `way` (up to a comma) wherever it fits, and portable C elsewhere."""
    way = way.partition(",")[0]

    def choose(ways: Sequence[Sequence[Way]], graph: Graph, target: Target) -> list[Way]:
        return [next((one for one in some if one.name == way), some[0]) for some in ways]

    return choose
