# SPDX-License-Identifier: Apache-2.0
"""Layers of random shapes, as they occur in small networks, side by side in one model."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.support.tflite_builder import NONE, RELU, SAME, VALID, ModelBuilder
from tests.support.way_models import conv, dense, depthwise, depthwise_any, pool, sum_of_two

Made = tuple[bytes, dict[str, str]]  # the file; name of an op's output -> its shape in words
_CHANNELS = (1, 3, 4, 8, 10, 12, 16, 24, 32, 40, 48, 64)
OTHERS = ("MUL", "CONCATENATION", "PAD", "MEAN", "TRANSPOSE", "RESIZE_NEAREST_NEIGHBOR")
_ACTS = ((NONE, 3), (RELU, -128))


def _side_by_side(draw: Callable[..., tuple[int, str]], dice: random.Random, count: int) -> Made:
    b, outputs, shapes = ModelBuilder(), [], {}
    for _ in range(count):
        output, words = draw(b, dice)
        outputs.append(output)
        shapes[f"t{output}"] = words
    return b.finish(outputs), shapes


def _image(dice: random.Random, most: int, channels: int) -> tuple[int, int, int, int]:
    return (1, dice.randint(3, most), dice.randint(3, most), channels)


def _convolution(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    kernel = dice.choice(((1, 1), (3, 3), (3, 3), (5, 5), (1, 3), (4, 10)))
    in_c, out_c = dice.choice(_CHANNELS), dice.choice(_CHANNELS[2:])
    shape = _image(dice, 12 if in_c > 16 else 24, in_c)
    stride = dice.choice(((1, 1), (1, 1), (2, 2)))
    function, zero_point = dice.choice(_ACTS)
    y = conv(b, shape, kernel, stride, SAME, out_c, function, zero_point)
    return y, _words(shape, kernel, stride, out_c, function)


def _three_by_three(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    in_c, out_c = dice.choice((4, 8, 16, 24, 32, 48)), dice.choice((4, 8, 16, 24, 32, 48))
    shape = _image(dice, 20, in_c)
    function, zero_point = dice.choice(_ACTS)
    y = conv(b, shape, (3, 3), (1, 1), SAME, out_c, function, zero_point)
    return y, _words(shape, (3, 3), (1, 1), out_c, function)


def _depthwise(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    shape = _image(dice, 30, dice.choice((4, 8, 12, 16, 24, 36, 64)))
    stride, padding = dice.choice(((1, 1), (1, 1), (2, 2))), dice.choice((SAME, VALID))
    function, zero_point = dice.choice(_ACTS)
    y = depthwise(b, shape, stride, padding, function, zero_point)
    return y, _words(shape, (3, 3), stride, shape[3], function)


def _depthwise_any(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    shape = (1, dice.randint(8, 20), dice.randint(8, 20), dice.choice((1, 3, 8, 16)))
    kernel = dice.choice(((5, 5), (3, 3), (1, 5), (4, 2)))
    multiplier = dice.choice((1, 1, 2, 4))
    function, zero_point = dice.choice(_ACTS)
    case = (shape, kernel, (1, 1), (1, 1), multiplier, SAME)
    y = depthwise_any(b, case, function, zero_point)
    return y, _words(shape, kernel, (1, 1), shape[3] * multiplier, function)


def _dense(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    rows = dice.choice((1, 1, 1, 4, 9))
    depth, out_c = dice.choice((8, 20, 64, 100, 256, 600)), dice.choice((2, 10, 16, 50, 128))
    function, zero_point = dice.choice(_ACTS)
    y = dense(b, rows, depth, out_c, function, zero_point)
    return y, f"{rows}x{depth} to {out_c} {function}"


def _pool(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    shape = _image(dice, 15, dice.choice((4, 8, 16, 32, 64)))
    whole = dice.random() < 0.4
    window = (min(shape[1], 15), min(shape[2], 15)) if whole else dice.choice(((2, 2), (3, 3)))
    stride = (1, 1) if whole else (2, 2)
    y = pool(b, shape, window, stride, VALID)
    return y, _words(shape, window, stride, shape[3], NONE)


def _largest(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    shape = _image(dice, 24, dice.choice((3, 8, 16, 32)))
    x = b.input(shape, scale=0.05, zero_point=3)
    sides = (shape[1] // 2, shape[2] // 2)
    options = {"padding": VALID, "stride_h": 2, "stride_w": 2}
    options |= {"filter_height": 2, "filter_width": 2}
    out = (1, *sides, shape[3])
    y = b.op("MAX_POOL_2D", [x], out, scale=0.05, zero_point=3, options=options)
    return y, _words(shape, (2, 2), (2, 2), shape[3], NONE)


def _sum(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    shape = _image(dice, 16, dice.choice((1, 3, 8, 16)))
    scales = (dice.uniform(0.03, 0.06), dice.uniform(0.03, 0.06), 0.1)
    y = sum_of_two(b, dice.choice(("ADD", "SUB")), shape, scales, (-4, 9))
    return y, _words(shape, (1, 1), (1, 1), shape[3], NONE)


def _softmax(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    shape = (dice.choice((1, 1, 6)), dice.choice((2, 5, 10, 12, 35, 100)))
    x = b.input(shape, scale=dice.choice((0.02, 0.1, 0.2)), zero_point=14)
    y = b.op("SOFTMAX", [x], shape, scale=1 / 256, zero_point=-128)
    return y, f"{shape[0]}x{shape[1]}"


def _table(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    shape = _image(dice, 16, dice.choice((1, 3, 8, 16)))
    kind = dice.choice(("LOGISTIC", "LEAKY_RELU"))
    x = b.input(shape, scale=0.05, zero_point=14)
    scale, zero_point = (1 / 256, -128) if kind == "LOGISTIC" else (0.04, 10)
    y = b.op(kind, [x], shape, scale=scale, zero_point=zero_point)
    return y, f"{kind} {shape}"


def _other(b: ModelBuilder, dice: random.Random) -> tuple[int, str]:
    shape = _image(dice, 14, dice.choice((3, 8, 16)))
    kind = dice.choice(OTHERS)
    x = b.input(shape, scale=0.05, zero_point=3)
    _, h, w, c = shape
    if kind == "MUL":
        return b.op(kind, [x, b.input(shape, scale=0.04, zero_point=1)], shape, scale=0.1), kind
    if kind == "CONCATENATION":
        inputs, out = [x, b.input(shape, scale=0.05, zero_point=3)], (1, h, w, 2 * c)
        y = b.op(kind, inputs, out, scale=0.05, zero_point=3, options={"axis": 3})
    elif kind == "PAD":
        pads = b.constant([[0, 0], [1, 1], [1, 2], [0, 0]])
        y = b.op(kind, [x, pads], (1, h + 2, w + 3, c), scale=0.05, zero_point=3)
    elif kind == "MEAN":
        axes = b.constant([1, 2])
        y = b.op(kind, [x, axes], (1, c), scale=0.03, zero_point=3)
    elif kind == "TRANSPOSE":
        order = b.constant([0, 3, 1, 2])
        y = b.op(kind, [x, order], (1, c, h, w), scale=0.05, zero_point=3)
    else:
        size = b.constant([2 * h, 2 * w])
        y = b.op(kind, [x, size], (1, 2 * h, 2 * w, c), scale=0.05, zero_point=3)
    return y, f"{kind} {shape}"


def _words(
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    out_c: int,
    function: int,
) -> str:
    sides = "x".join(map(str, shape[1:]))
    relu = " relu" if function == RELU else ""
    return f"{sides} {kernel[0]}x{kernel[1]} s{stride[0]} to {out_c}{relu}"


def _family(draw: Callable[..., tuple[int, str]]) -> Callable[[random.Random, int], Made]:
    def make(dice: random.Random, count: int) -> Made:
        return _side_by_side(draw, dice, count)

    return make


FAMILIES: dict[str, Any] = {
    "convolution": _family(_convolution),
    "3x3": _family(_three_by_three),
    "depthwise": _family(_depthwise),
    "depthwise, any": _family(_depthwise_any),
    "fully connected": _family(_dense),
    "average pool": _family(_pool),
    "max pool": _family(_largest),
    "sum": _family(_sum),
    "softmax": _family(_softmax),
    "table": _family(_table),
    "other": _family(_other),
}
