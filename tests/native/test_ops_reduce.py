# SPDX-License-Identifier: Apache-2.0
"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, ARG_MAX and ARG_MIN against TFLM, byte for byte."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tests.support.exact import check_bit_exact, check_refused, tflm_refuses
from tests.support.tflite_builder import ModelBuilder

REDUCTIONS = ["MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"]
SCALED = ["MEAN", "SUM"]
SOURCE = (0.05, -3)
SCALES = [
    ((0.05, -3), (0.05, -3)),
    ((0.05, -3), (0.02, 7)),
    ((0.0039, -128), (0.0031, -128)),
    ((0.0011, 127), (1.7, -1)),
    ((3.0, 11), (0.004, 5)),
    ((1e-9, 1), (1.0, 2)),
]


def add_reduction(b, kind, x, shape, axes, quant=SOURCE, keep_dims=False):
    gone = {axis % len(shape) for axis in np.ravel(axes)}
    out = [
        1 if axis in gone else side
        for axis, side in enumerate(shape)
        if keep_dims or axis not in gone
    ]
    scale, zero_point = quant
    options = {"keep_dims": keep_dims}
    operands = [x, b.constant(axes)]
    return b.op(kind, operands, out, scale=scale, zero_point=zero_point, options=options)


def reduction(kind, shape, axes, quants=(SOURCE, SOURCE)):
    """A model of one op."""
    b = ModelBuilder()
    x = b.input(shape, scale=quants[0][0], zero_point=quants[0][1])
    return b.finish([add_reduction(b, kind, x, shape, axes, quants[1])])


def every_choice(rank):
    axes = range(rank)
    return [list(choice) for count in range(1, rank + 1) for choice in combinations(axes, count)]


@pytest.mark.parametrize("keep_dims", [False, True])
@pytest.mark.parametrize("kind", REDUCTIONS)
def test_every_choice_of_axes(kind, keep_dims):
    b = ModelBuilder()
    shape = (2, 5, 3, 7)
    x = b.input(shape, scale=SOURCE[0], zero_point=SOURCE[1])
    outputs = [
        add_reduction(b, kind, x, shape, axes, keep_dims=keep_dims) for axes in every_choice(4)
    ]
    check_bit_exact(b.finish(outputs), 6)


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((9,), [0]),
        ((1, 300), [1]),
        ((1, 300), [-1]),
        ((1, 300), 1),
        ((4, 6), [1, 1, -1]),
        ((1, 6, 5), [2, 1]),
        ((1, 16, 16, 8), [1, 2]),
        ((1, 16, 16, 8), [2, 1]),
        ((1, 16, 1, 8), [2]),
        ((1, 1, 1, 8), [1, 2]),
        ((2, 3, 2, 3, 2), [0, 2, 4]),
        ((2, 3, 2, 3, 2), [1, 3]),
        ((2, 1, 3, 2, 2), [0, 1, 3]),
    ],
    ids=str,
)
def test_shapes(kind, shape, axes):
    check_bit_exact(reduction(kind, shape, axes))


@pytest.mark.parametrize("quants", SCALES, ids=str)
@pytest.mark.parametrize("kind", SCALED)
def test_scales(kind, quants):
    b = ModelBuilder()
    outputs = []
    for count in (2, 3, 7, 49, 64, 1000):
        shape = (1, count, 40)
        x = b.input(shape, scale=quants[0][0], zero_point=quants[0][1])
        outputs.append(add_reduction(b, kind, x, shape, [1], quants[1]))
    check_bit_exact(b.finish(outputs), 10)


@pytest.mark.parametrize("kind", SCALED)
def test_random_scales(kind):
    rng = np.random.default_rng(3)
    b = ModelBuilder()
    outputs = []
    for _ in range(40):
        shape = (1, int(rng.integers(2, 30)), int(rng.integers(2, 30)), 16)
        scales = np.exp(rng.uniform(-8, 1, 2))
        zero_points = rng.integers(-128, 128, 2)
        x = b.input(shape, scale=scales[0], zero_point=zero_points[0])
        outputs.append(add_reduction(b, kind, x, shape, [1, 2], (scales[1], zero_points[1])))
    check_bit_exact(b.finish(outputs), 6)


@pytest.mark.parametrize("kind", ["REDUCE_MAX", "REDUCE_MIN"])
def test_refuses_different_scales_as_tflm_does(kind):
    data = reduction(kind, (1, 4, 4), [1], SCALES[1])
    assert tflm_refuses(data)
    check_refused(data, "different scales")


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_refuses_axes_that_are_not_constant(kind):
    b = ModelBuilder()
    x, axis = b.input((1, 4), scale=0.1), b.input((1,), "int32")
    check_refused(b.finish([b.op(kind, [x, axis], (1,), scale=0.1)]), "not int32 constants")


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_refuses_an_axis_that_is_not_there(kind):
    b = ModelBuilder()
    x = b.input((1, 4), scale=0.1)
    data = b.finish([b.op(kind, [x, b.constant([2])], (1,), scale=0.1)])
    check_refused(data, "within its input's")


def test_refuses_more_alternation_than_the_kernel_has_loops():
    data = reduction("MEAN", (2, 2, 2, 2, 2, 2, 2), [0, 2, 4, 6])
    check_refused(data, "alternate between kept and reduced too often")


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_refuses_other_types(kind):
    b = ModelBuilder()
    x = b.input((1, 4), "float32")
    data = b.finish([b.op(kind, [x, b.constant([1])], (1,), "float32")])
    check_refused(data, "float32, not int8")


def arg(kind, shape, axis, dtype="int32"):
    """A model of one op; `axis` is a scalar, or a list of one as some exporters write it."""
    b = ModelBuilder()
    x = b.input(shape, scale=0.1, zero_point=4)
    at = int(np.ravel(axis)[0]) % len(shape)
    out = shape[:at] + shape[at + 1 :]
    y = b.op(kind, [x, b.constant(axis)], out, dtype, options={"output_type": 2})
    return b.finish([y])


@pytest.mark.parametrize("kind", ["ARG_MAX", "ARG_MIN"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((1, 10), 1),
        ((1, 10), -1),
        ((10,), 0),
        ((1, 10), [1]),
        ((2, 5, 3, 7), 0),
        ((2, 5, 3, 7), 1),
        ((2, 5, 3, 7), 2),
        ((2, 5, 3, 7), 3),
        ((2, 5, 3, 7), -2),
        ((1, 300), 1),
        ((4, 1), 1),
    ],
    ids=str,
)
def test_arg(kind, shape, axis):
    check_bit_exact(arg(kind, shape, axis))


@pytest.mark.parametrize("kind", ["ARG_MAX", "ARG_MIN"])
def test_arg_refuses_int64_as_tflm_does(kind):
    data = arg(kind, (1, 10), 1, "int64")
    assert tflm_refuses(data)
    check_refused(data, "its output is int64")


def test_arg_refuses_an_axis_that_is_not_there():
    b = ModelBuilder()
    x = b.input((1, 10), scale=0.1)
    data = b.finish([b.op("ARG_MAX", [x, b.constant([5])], (1,), "int32")])
    check_refused(data, "its axis is not one int32 constant")
