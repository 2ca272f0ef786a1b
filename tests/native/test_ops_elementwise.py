# SPDX-License-Identifier: Apache-2.0
"""SUB, MUL, MAXIMUM, MINIMUM, PRELU and SQUARED_DIFFERENCE against TFLM, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.exact import check_bit_exact, check_refused, tflm_refuses
from tests.support.tflite_builder import NONE, RELU, RELU6, RELU_N1_TO_1, ModelBuilder

SHAPES = [
    ((1, 5, 7, 3), (1, 5, 7, 3)),
    ((1, 5, 7, 3), (1, 1, 1, 3)),
    ((1, 1, 1, 3), (1, 5, 7, 3)),
    ((1, 5, 7, 3), (1, 5, 1, 1)),
    ((1, 5, 1, 3), (1, 1, 7, 1)),
    ((1, 1, 7, 1), (1, 5, 1, 3)),
    ((2, 1, 7, 1), (1, 5, 1, 3)),
    ((1, 5, 7, 3), ()),
    ((1, 5, 7, 3), (1,)),
    ((1, 5, 7, 3), (3,)),
    ((1, 5, 7, 3), (7, 3)),
    ((3,), (1, 5, 7, 3)),
    ((1, 11), (1, 11)),
    ((2, 3, 1, 5, 4), (2, 3, 6, 5, 4)),
    ((1, 1), (1, 1)),
    ((2, 2, 3, 1, 2), (1, 1, 3, 4, 1)),
]
SCALES = [
    # (scale, zero point) of a, b and the output
    ((0.05, -3), (0.02, 7), (0.07, 5)),
    ((0.5, -128), (0.003, 127), (0.4, -128)),
    ((0.0117, 0), (0.0117, 0), (0.0117, 0)),
    ((0.1, 11), (0.2, -9), (0.001, 100)),
    ((0.31, -7), (1.7, 1), (37.0, -1)),
]
ALL = ["SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU", "SQUARED_DIFFERENCE"]


def add_binary(b, kind, shapes, scales, options=None, constant=None):
    """Adds one op; operand number `constant` is a constant, the others are inputs."""
    rng = np.random.default_rng(7)
    operands = []
    for position, shape in enumerate(shapes):
        scale, zero_point = scales[position]
        if position == constant:
            data = rng.integers(-128, 128, shape).astype(np.int8)
            operands.append(b.constant(data, scale=scale, zero_point=zero_point))
        else:
            operands.append(b.input(shape, scale=scale, zero_point=zero_point))
    out = np.broadcast_shapes(*shapes)
    scale, zero_point = scales[2]
    return b.op(kind, operands, out, scale=scale, zero_point=zero_point, options=options)


def binary(kind, shapes, scales, options=None, constant=None):
    """A model of one op."""
    b = ModelBuilder()
    return b.finish([add_binary(b, kind, shapes, scales, options, constant)])


def side_by_side(kind, cases):
    """A model of one op for each (shapes, scales), all with inputs of their own."""
    b = ModelBuilder()
    return b.finish([add_binary(b, kind, shapes, scales) for shapes, scales in cases])


@pytest.mark.parametrize("kind", ALL)
def test_broadcast(kind):
    check_bit_exact(side_by_side(kind, [(shapes, SCALES[0]) for shapes in SHAPES]), 6)


@pytest.mark.parametrize("kind", ALL)
def test_scales(kind):
    check_bit_exact(side_by_side(kind, [([(1, 40, 50, 1)] * 2, scales) for scales in SCALES]), 10)


@pytest.mark.parametrize("activation", [NONE, RELU, RELU_N1_TO_1, RELU6])
@pytest.mark.parametrize("scales", SCALES[:2], ids=str)
@pytest.mark.parametrize("kind", ["SUB", "MUL"])
def test_activations(kind, scales, activation):
    options = {"fused_activation_function": activation}
    check_bit_exact(binary(kind, [(1, 20, 50)] * 2, scales, options), 6)


@pytest.mark.parametrize("kind", ["SUB", "MUL", "PRELU", "SQUARED_DIFFERENCE"])
def test_random_scales(kind):
    rng = np.random.default_rng(5)

    def any_scale():
        return float(np.exp(rng.uniform(-6, 1))), int(rng.integers(-128, 128))

    cases = [([(1, 64, 32)] * 2, [any_scale() for _ in range(3)]) for _ in range(30)]
    check_bit_exact(side_by_side(kind, cases), 6)


@pytest.mark.parametrize("kind", ALL)
def test_constant_operand(kind):
    check_bit_exact(binary(kind, [(1, 6, 6, 4), (1, 1, 1, 4)], SCALES[0], constant=1))


@pytest.mark.parametrize("kind", ["SUB", "MUL", "MAXIMUM", "MINIMUM"])
def test_constant_first_operand(kind):
    check_bit_exact(binary(kind, [(1, 6, 6, 4), (1, 6, 6, 4)], SCALES[0], constant=0))


@pytest.mark.parametrize("kind", ALL)
def test_one_tensor_twice(kind):
    b = ModelBuilder()
    x = b.input((1, 16, 16), scale=0.05, zero_point=-3)
    check_bit_exact(b.finish([b.op(kind, [x, x], (1, 16, 16), scale=0.1, zero_point=2)]))


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("kind", ALL)
def test_output_takes_over_a_dying_input(kind, place):
    """A chain whose middle tensor dies in the op: the op writes over it, in either position."""
    b = ModelBuilder()
    shape = (1, 16, 16, 3)
    x = b.input(shape, scale=0.05, zero_point=-3)
    small = b.input((1, 16, 1, 3), scale=0.02, zero_point=4)
    middle = b.op("MUL", [x, small], shape, scale=0.03, zero_point=1)
    operands = [middle, small] if place == 0 else [x, middle]
    y = b.op(kind, operands, shape, scale=0.1, zero_point=2)
    program = check_bit_exact(b.finish([y]))
    offsets = program.plan.offsets
    assert offsets[y] in (offsets[middle], offsets[x])


@pytest.mark.parametrize("kind", ALL)
def test_refuses_other_types(kind):
    b = ModelBuilder()
    x = b.input((1, 4), "float32")
    check_refused(b.finish([b.op(kind, [x, x], (1, 4), "float32")]), "float32, not int8")


def test_refuses_scales_that_tflm_cannot_bring_together():
    check_refused(
        binary("SUB", [(1, 4)] * 2, [(1e5, 0), (1.0, 0), (1e-2, 0)]), "its inputs' scales are too"
    )


def test_refuses_shapes_that_do_not_meet():
    b = ModelBuilder()
    x, y = (b.input(shape, scale=0.1) for shape in ((1, 4), (1, 3)))
    data = b.finish([b.op("MUL", [x, y], (1, 4), scale=0.1)])
    check_refused(data, "do not broadcast")


def test_refuses_five_broadcast_axes():
    shapes = [(2, 1, 2, 1, 2), (1, 2, 1, 2, 1)]
    assert tflm_refuses(binary("MUL", shapes, SCALES[0])) == ""
    check_refused(binary("MUL", shapes, SCALES[0]), "in four axes")


@pytest.mark.parametrize("kind", ["SUB", "MUL"])
def test_refuses_a_fused_tanh(kind):
    options = {"fused_activation_function": 4}
    check_refused(binary(kind, [(1, 4)] * 2, SCALES[0], options), "not a RELU")
