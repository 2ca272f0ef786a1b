# SPDX-License-Identifier: Apache-2.0
"""Operators that become a table: all 256 inputs against TFLM, over many scales."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.tflite.golden import TflmGolden
from tests.support.exact import (
    check_bit_exact,
    check_refused,
    host_model,
    needs_tflm,
    tflm_refuses,
)
from tests.support.tflite_builder import ModelBuilder

EVERY = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
FIXED_OUTPUT = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
ALL = ["LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "ELU", "ABS"]
# Scales and zero points of input and output.
SCALES = [
    ((0.05, -3), (0.05, -3)),
    ((0.05, -3), (0.02, -128)),
    ((0.0235, -128), (0.0235, -128)),
    ((0.003, 127), (0.005, 17)),
    ((1.0, 0), (1.0, 0)),
    ((3.9, 5), (1.7, -1)),
    ((20.0, 1), (20.0, 4)),
    ((1e-4, 0), (1e-3, 0)),
]


def unary(kind, source, output, *, shape=(1, 256), alpha=0.1, count=1):
    """A model of `count` such ops in a row."""
    options = {"alpha": alpha} if kind == "LEAKY_RELU" else None
    scale, zero_point = FIXED_OUTPUT.get(kind, output)
    b = ModelBuilder()
    y = b.input(shape, scale=source[0], zero_point=source[1])
    for _ in range(count):
        y = b.op(kind, [y], shape, scale=scale, zero_point=zero_point, options=options)
    return b.finish([y])


def check_every_input(data):
    needs_tflm()
    expected = TflmGolden(data).run([EVERY])[0]
    got = host_model(data).run([EVERY])[0]
    wrong = [EVERY[0, i] for i in range(256) if got[0, i] != expected[0, i]]
    assert not wrong, f"{len(wrong)} inputs differ, the first is {wrong[0]}"


@pytest.mark.parametrize("scales", SCALES, ids=str)
@pytest.mark.parametrize("kind", ALL)
def test_every_input(kind, scales):
    check_every_input(unary(kind, *scales))


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kind", ALL)
def test_every_input_random_scales(kind, seed):
    rng = np.random.default_rng(seed)
    source, output = (
        (float(np.exp(rng.uniform(-8, 2))), int(rng.integers(-128, 128))) for _ in range(2)
    )
    data = unary(kind, source, output)
    if kind == "HARD_SWISH" and tflm_refuses(data):
        check_refused(data, "more than 128 times")
    else:
        check_every_input(data)


@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.3, 1.0, 2.5, -0.2, -3.0])
@pytest.mark.parametrize("scales", SCALES[:4], ids=str)
def test_leaky_relu_slopes(scales, alpha):
    check_every_input(unary("LEAKY_RELU", *scales, alpha=alpha))


@pytest.mark.parametrize("shape", [(1,), (1, 3, 5, 7), (2, 40, 31), (4, 4, 4, 4, 2)])
@pytest.mark.parametrize("kind", ALL)
def test_shapes(kind, shape):
    check_bit_exact(unary(kind, *SCALES[0], shape=shape))


@pytest.mark.parametrize("kind", ALL)
def test_a_row_of_them_works_in_place(kind):
    program = check_bit_exact(unary(kind, *SCALES[0], shape=(1, 64, 3), count=4))
    assert program.plan.arena_bytes == 192


@pytest.mark.parametrize("kind", ALL)
def test_refuses_other_types(kind):
    b = ModelBuilder()
    x = b.input((1, 4), "float32")
    check_refused(b.finish([b.op(kind, [x], (1, 4), "float32")]), "float32, not int8")


def test_refuses_logistic_zero_point_as_tflm_does():
    b = ModelBuilder()
    x = b.input((1, 4), scale=0.1)
    data = b.finish([b.op("LOGISTIC", [x], (1, 4), scale=1 / 256, zero_point=0)])
    assert tflm_refuses(data)
    check_refused(data, "zero point is not -128")


def test_refuses_hard_swish_with_a_far_smaller_output_scale_as_tflm_does():
    data = unary("HARD_SWISH", (1.0, 0), (1e-3, 0))
    assert tflm_refuses(data)
    check_refused(data, "more than 128 times")


@pytest.mark.parametrize("kind", ["LOGISTIC", "TANH"])
def test_refuses_a_scale_without_room(kind):
    check_refused(unary(kind, (1e-9, 0), (1.0, 0)), "below 2^-28")


def test_relu_n1_to_1_is_refused_as_in_tflm():
    b = ModelBuilder()
    x = b.input((1, 4), scale=0.1)
    data = b.finish([b.op("RELU_N1_TO_1", [x], (1, 4), scale=0.1)])
    assert tflm_refuses(data)
    check_refused(data, "RELU_N1_TO_1 is not in edgekit's runtime")


@pytest.mark.parametrize("output_scale", [0.3, 0.1, 1.0, 3.0, 30.0, 1000.0])
@pytest.mark.parametrize("source_scale", [1e-4, 1e-3, 0.0117, 0.0118, 0.2, 2.0, 10.0])
def test_hard_swish_shifts(source_scale, output_scale):
    """Exponents below and above 16 bits on either path: int16 arithmetic wraps as TFLM's does."""
    check_every_input(unary("HARD_SWISH", (source_scale, -7), (output_scale, 3)))
