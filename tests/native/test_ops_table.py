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


def add_unary(b, kind, x, output, shape, alpha):
    options = {"alpha": alpha} if kind == "LEAKY_RELU" else None
    scale, zero_point = FIXED_OUTPUT.get(kind, output)
    return b.op(kind, [x], shape, scale=scale, zero_point=zero_point, options=options)


def unary(kind, source, output, *, shape=(1, 256), alpha=0.1, count=1):
    """A model of `count` such ops in a row."""
    b = ModelBuilder()
    y = b.input(shape, scale=source[0], zero_point=source[1])
    for _ in range(count):
        y = add_unary(b, kind, y, output, shape, alpha)
    return b.finish([y])


def check_every_input(kind, cases, alpha=0.1):
    """One op for each (source, output) scale and zero point, on all 256 values."""
    needs_tflm()
    b = ModelBuilder()
    outputs = []
    for source, output in cases:
        x = b.input(EVERY.shape, scale=source[0], zero_point=source[1])
        outputs.append(add_unary(b, kind, x, output, EVERY.shape, alpha))
    data = b.finish(outputs)
    inputs = [EVERY] * len(cases)
    ran = zip(cases, host_model(data).run(inputs), TflmGolden(data).run(inputs), strict=True)
    for case, got, expected in ran:
        wrong = [EVERY[0, i] for i in range(256) if got[0, i] != expected[0, i]]
        assert not wrong, f"{case}: {len(wrong)} inputs differ, the first is {wrong[0]}"


@pytest.mark.parametrize("kind", ALL)
def test_every_input(kind):
    cases = SCALES if kind != "HARD_SWISH" else [s for s in SCALES if s[0][0] <= 2 * s[1][0]]
    check_every_input(kind, cases)


@pytest.mark.parametrize("kind", ALL)
def test_every_input_random_scales(kind):
    rng = np.random.default_rng(11)

    def any_scale():
        return float(np.exp(rng.uniform(-8, 2))), int(rng.integers(-128, 128))

    cases = [(any_scale(), any_scale()) for _ in range(60)]
    if kind == "HARD_SWISH":
        cases = [(a, b) for a, b in cases if a[0] < 100 * b[0]]
    check_every_input(kind, cases)


@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.3, 1.0, 2.5, -0.2, -3.0])
def test_leaky_relu_slopes(alpha):
    check_every_input("LEAKY_RELU", SCALES, alpha)


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


def test_hard_swish_shifts():
    """Exponents below and above 16 bits on either path: int16 arithmetic wraps as TFLM's does."""
    sources = [1e-4, 1e-3, 0.0117, 0.0118, 0.2, 2.0, 10.0]
    outputs = [0.3, 0.1, 1.0, 3.0, 30.0, 1000.0]
    check_every_input("HARD_SWISH", [((s, -7), (o, 3)) for s in sources for o in outputs])
