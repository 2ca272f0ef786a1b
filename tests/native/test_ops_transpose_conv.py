# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV against TFLM's interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.exact import check_bit_exact, check_refused, tflm_refuses
from tests.support.side_by_side import alone, side_by_side
from tests.support.tflite_builder import NONE, RELU, RELU6, SAME, VALID, ModelBuilder


def add_transpose_conv(
    b: ModelBuilder,
    source: tuple[int, int, int, int],
    kernel: tuple[int, int, int],
    stride: tuple[int, int] = (2, 2),
    padding: int = SAME,
    *,
    out: tuple[int, int] | None = None,
    bias: bool = True,
    per_channel: bool = True,
    function: int = NONE,
    zero_point: int = -3,
    seed: int = 0,
    dtype: str = "int8",
) -> Any:
    """`kernel` is output channels, height, width; `out` the output's sides, Keras' by default."""
    rng = np.random.default_rng(seed)
    n, h, w, in_c = source
    out_c, k_h, k_w = kernel
    grow = (0, 0) if padding == SAME else (max(k_h - stride[0], 0), max(k_w - stride[1], 0))
    sides = out or (h * stride[0] + grow[0], w * stride[1] + grow[1])
    x = b.input(source, dtype, scale=0.05, zero_point=zero_point)
    values = rng.integers(-127, 128, (out_c, k_h, k_w, in_c)).astype(np.int8)
    scales = rng.uniform(0.001, 0.01, out_c if per_channel else 1)
    operands = [b.constant([n, *sides, out_c]), b.constant(values, scales=scales), x]
    if bias:
        operands.append(
            b.constant(rng.integers(-2000, 2000, out_c).astype(np.int32), scales=scales * 0.05)
        )
    options: dict[str, Any] = {"padding": padding, "fused_activation_function": function}
    options |= {"stride_h": stride[0], "stride_w": stride[1]}
    shape = (n, *sides, out_c)
    quant = {"scale": 0.04, "zero_point": 7}
    return b.op("TRANSPOSE_CONV", operands, shape, dtype, options=options, **quant)


transpose_conv = alone(add_transpose_conv)


SHAPES = [
    ((1, 4, 4, 3), (4, 3, 3)),
    ((1, 3, 5, 2), (5, 2, 4)),
    ((2, 5, 3, 1), (1, 5, 2)),
    ((1, 1, 1, 8), (6, 4, 4)),
    ((1, 6, 2, 4), (3, 1, 1)),
]


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 1), (2, 3), (4, 4)])
def test_transpose_conv(stride, padding):
    cases = [(*shape, stride, padding) for shape in SHAPES]
    check_bit_exact(side_by_side(add_transpose_conv, cases))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("function", [NONE, RELU, RELU6])
def test_bias_scales_and_activation(bias, per_channel, function):
    given = {"bias": bias, "per_channel": per_channel, "function": function}
    check_bit_exact(transpose_conv((1, 4, 5, 3), (6, 3, 3), **given))


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_zero_points(zero_point):
    check_bit_exact(transpose_conv((1, 4, 5, 3), (6, 3, 3), zero_point=zero_point))


@pytest.mark.parametrize("padding", [SAME, VALID])
def test_output_sides_that_keras_would_not_choose(padding):
    b = ModelBuilder()
    outputs = [
        add_transpose_conv(b, (1, 4, 4, 2), (4, 3, 3), padding=padding, out=out)
        for out in ((7, 8), (8, 7), (9, 11), (15, 4))
    ]
    check_bit_exact(b.finish(outputs))


@pytest.mark.parametrize("seed", range(3))
def test_random_shapes(seed):
    rng = np.random.default_rng(seed)
    cases = []
    for h, w, in_c, out_c, k_h, k_w in rng.integers(1, 7, (12, 6)).tolist():
        stride, padding = tuple(rng.integers(1, 4, 2).tolist()), int(rng.integers(2))
        cases.append(((1, h, w, in_c), (out_c, k_h, k_w), stride, padding))
    check_bit_exact(side_by_side(add_transpose_conv, cases, seed=seed))


def test_needs_no_scratch():
    program = check_bit_exact(transpose_conv((1, 8, 8, 4), (4, 3, 3)))
    assert program.plan.arena_bytes == 8 * 8 * 4 + 16 * 16 * 4


def test_refuses_uint8():
    data = transpose_conv((1, 4, 4, 2), (4, 3, 3), dtype="uint8", zero_point=3)
    check_refused(data, "not int8")
    assert tflm_refuses(data)


def test_refuses_channels_that_disagree():
    b = ModelBuilder()
    x = b.input((1, 4, 4, 3), scale=0.05)
    w = b.constant(np.ones((4, 3, 3, 2), np.int8), scales=[0.01])
    y = b.op("TRANSPOSE_CONV", [b.constant([1, 4, 4, 4]), w, x], (1, 4, 4, 4), scale=0.05)
    check_refused(b.finish([y]), "shapes disagree")


def test_refuses_weights_that_are_not_constant():
    b = ModelBuilder()
    x, w = b.input((1, 4, 4, 2), scale=0.05), b.input((4, 3, 3, 2), scale=0.05)
    y = b.op("TRANSPOSE_CONV", [b.constant([1, 4, 4, 4]), w, x], (1, 4, 4, 4), scale=0.05)
    check_refused(b.finish([y]), "weights are not constant")
