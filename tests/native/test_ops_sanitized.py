# SPDX-License-Identifier: Apache-2.0
"""Elementwise, reducing, padding and converting kernels under ASan and UBSan, at the extremes."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.lower.build import lower_graph
from edgekit.tflite.reader import read_graph
from tests.support.exact import host_model, random_inputs
from tests.support.sanitized import SanitizedModel
from tests.support.tflite_builder import ModelBuilder

BINARY = ["ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU", "SQUARED_DIFFERENCE"]
UNARY = ["LOGISTIC", "RELU", "LEAKY_RELU", "HARD_SWISH", "QUANTIZE"]
SHAPE = (2, 5, 3, 7)
QUANT = {"scale": 0.05, "zero_point": -3}


def binaries(b, x, y):
    for kind in BINARY:
        yield b.op(kind, [x, y], SHAPE, scale=0.003, zero_point=-128)


def unaries(b, x):
    for kind in UNARY:
        yield b.op(kind, [x], SHAPE, scale=0.05, zero_point=-128)


def reductions(b, x):
    for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
        for axes in ([0], [1, 2], [3], [0, 2], [0, 1, 2, 3]):
            out = [side for axis, side in enumerate(SHAPE) if axis not in axes]
            yield b.op(kind, [x, b.constant(axes)], out, **QUANT)
    for axis in range(4):
        out = SHAPE[:axis] + SHAPE[axis + 1 :]
        yield b.op("ARG_MAX", [x, b.constant(axis)], out, "int32", options={"output_type": 2})


def pads(b, x):
    for paddings in ([[0, 0], [1, 2], [3, 0], [0, 0]], [[1, 1], [0, 0], [0, 2], [1, 0]]):
        out = [side + sum(pair) for side, pair in zip(SHAPE, paddings, strict=True)]
        yield b.op("PAD", [x, b.constant(paddings)], out, **QUANT)


@pytest.fixture(scope="module")
def data():
    b = ModelBuilder()
    x = b.input(SHAPE, **QUANT)
    y = b.input((1, 5, 1, 7), scale=2.0, zero_point=127)
    reals = b.input((1, 8), "float32")
    outputs = [*binaries(b, x, y), *unaries(b, x), *reductions(b, x), *pads(b, x)]
    outputs += [
        b.op("QUANTIZE", [reals], (1, 8), scale=1e-3, zero_point=-3),
        b.op("QUANTIZE", [x], SHAPE, "int16", **QUANT),
        b.op("DEQUANTIZE", [x], SHAPE, "float32"),
    ]
    return b.finish(outputs)


def test_no_undefined_arithmetic_and_nothing_out_of_bounds(data):
    graph = read_graph(data)
    sanitized, plain = SanitizedModel(lower_graph(graph)), host_model(graph)
    odd = np.array([[np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-45, -0.0, 1.5]], np.float32)
    for inputs in random_inputs(graph, 4):
        for reals in (inputs[2], odd):
            given = [*inputs[:2], reals]
            for got, expected in zip(sanitized.run(given), plain.run(given), strict=True):
                assert got.tobytes() == expected.tobytes()
