# SPDX-License-Identifier: Apache-2.0
"""PAD and PADV2 against TFLM, byte for byte."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.support.exact import check_bit_exact, check_refused, tflm_refuses
from tests.support.tflite_builder import ModelBuilder

QUANT = {"scale": 0.05, "zero_point": -3}
CASES = [
    ((1, 5, 6, 3), [[0, 0], [1, 1], [2, 2], [0, 0]]),
    ((1, 5, 6, 3), [[0, 0], [0, 1], [0, 1], [0, 0]]),
    ((1, 5, 6, 3), [[0, 0], [0, 0], [0, 0], [0, 0]]),
    ((1, 5, 6, 3), [[0, 0], [0, 0], [0, 0], [2, 3]]),
    ((2, 5, 6, 3), [[1, 0], [0, 2], [3, 1], [1, 1]]),
    ((2, 5, 6, 3), [[2, 1], [0, 0], [3, 1], [0, 0]]),
    ((7,), [[3, 2]]),
    ((1, 7), [[0, 0], [0, 4]]),
    ((4, 7), [[1, 2], [0, 0]]),
    ((2, 4, 3), [[0, 0], [1, 1], [0, 0]]),
    ((2, 3, 2, 3, 2), [[1, 1], [0, 2], [1, 0], [2, 2], [1, 1]]),
    ((1, 2, 3, 4, 5), [[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]]),
    ((2, 1, 3, 1), [[0, 1], [2, 0], [0, 0], [1, 1]]),
]


def padded(kind, shape, paddings, value=None, quant=QUANT, value_quant=QUANT):
    b = ModelBuilder()
    x = b.input(shape, **QUANT)
    out = [side + sum(pair) for side, pair in zip(shape, paddings, strict=True)]
    operands = [x, b.constant(paddings)]
    if value is not None:
        operands.append(b.constant(np.array(value, np.int8), **value_quant))
    return b.finish([b.op(kind, operands, out, **quant)])


@pytest.mark.parametrize(("shape", "paddings"), CASES, ids=str)
def test_pad(shape, paddings):
    check_bit_exact(padded("PAD", shape, paddings))


@pytest.mark.parametrize("value", [-128, -3, 0, 127])
@pytest.mark.parametrize(("shape", "paddings"), CASES[:8], ids=str)
def test_padv2(shape, paddings, value):
    check_bit_exact(padded("PADV2", shape, paddings, value))


@pytest.mark.parametrize("before", list(product([0, 1], repeat=4)), ids=str)
def test_every_combination_of_sides(before):
    """Sixteen ops in one model: padding before some axes, after each choice of axes."""
    shape = (2, 3, 1, 4)
    b = ModelBuilder()
    x = b.input(shape, **QUANT)
    outputs = []
    for after in product([0, 1], repeat=4):
        paddings = [list(pair) for pair in zip(before, after, strict=True)]
        out = [side + sum(pair) for side, pair in zip(shape, paddings, strict=True)]
        outputs.append(b.op("PAD", [x, b.constant(paddings)], out, **QUANT))
    check_bit_exact(b.finish(outputs), 3)


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_zero_point_of_the_output_fills(zero_point):
    quant = {"scale": 0.05, "zero_point": zero_point}
    check_bit_exact(padded("PAD", *CASES[0], quant=quant))


def test_padv2_as_a_vector_of_one():
    check_bit_exact(padded("PADV2", *CASES[0], value=[5]))


@pytest.mark.parametrize("value_quant", [{"scale": 0.1, "zero_point": -3}, {"scale": 0.05}])
def test_refuses_a_value_of_another_scale_as_tflm_does(value_quant):
    data = padded("PADV2", *CASES[0], value=5, value_quant=value_quant)
    assert tflm_refuses(data)
    check_refused(data, "its padding value and its output have different scales")


def test_refuses_paddings_that_are_not_constant_as_tflm_does():
    b = ModelBuilder()
    x, paddings = b.input((1, 4), **QUANT), b.input((2, 2), "int32")
    data = b.finish([b.op("PAD", [x, paddings], (1, 4), **QUANT)])
    assert tflm_refuses(data)
    check_refused(data, "its paddings are not constant")


def test_refuses_six_axes_as_tflm_does():
    data = padded("PAD", (1,) * 6, [[0, 1]] * 6)
    assert tflm_refuses(data)
    check_refused(data, "more than 5 axes")


def test_refuses_paddings_that_disagree_with_the_output_as_tflm_does():
    b = ModelBuilder()
    x = b.input((1, 4), **QUANT)
    data = b.finish([b.op("PAD", [x, b.constant([[0, 0], [1, 1]])], (1, 5), **QUANT)])
    assert tflm_refuses(data)
    check_refused(data, "disagree with its output's shape")


def test_refuses_negative_paddings():
    b = ModelBuilder()
    x = b.input((1, 4), **QUANT)
    data = b.finish([b.op("PAD", [x, b.constant([[0, 0], [-1, 2]])], (1, 5), **QUANT)])
    check_refused(data, "its paddings are negative")


def test_refuses_other_types():
    b = ModelBuilder()
    x = b.input((1, 4), "float32")
    data = b.finish([b.op("PAD", [x, b.constant([[0, 0], [1, 1]])], (1, 6), "float32")])
    check_refused(data, "float32, not int8")
