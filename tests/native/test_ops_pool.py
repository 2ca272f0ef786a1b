# SPDX-License-Identifier: Apache-2.0
"""MAX_POOL_2D and AVERAGE_POOL_2D against TFLM's interpreter."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from edgekit.lower.window import out_side
from tests.support.exact import check_bit_exact, check_refused, tflm_refuses
from tests.support.side_by_side import alone, side_by_side
from tests.support.tflite_builder import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, ModelBuilder

KINDS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")
SHAPES = [(1, 8, 8, 4), (1, 7, 5, 3), (2, 6, 9, 1)]
WINDOWS = [(2, 2, 2, 2), (3, 3, 1, 1), (3, 2, 2, 3), (5, 5, 1, 2)]


def add_pool(
    b: ModelBuilder,
    kind: str,
    shape: tuple[int, ...],
    window: tuple[int, int, int, int],
    padding: int,
    function: int = NONE,
    *,
    zero_point: int = -3,
    out_scale: float = 0.05,
    out_zero_point: int = -3,
    dtype: str = "int8",
) -> Any:
    k_h, k_w, s_h, s_w = window
    sides = (out_side(padding, shape[1], k_h, s_h, 1), out_side(padding, shape[2], k_w, s_w, 1))
    x = b.input(shape, dtype, scale=0.05, zero_point=zero_point)
    options = {"padding": padding, "filter_height": k_h, "filter_width": k_w}
    options |= {"stride_h": s_h, "stride_w": s_w, "fused_activation_function": function}
    out = (shape[0], *sides, shape[3])
    quant = {"scale": out_scale, "zero_point": out_zero_point}
    return b.op(kind, [x], out, dtype, options=options, **quant)


pool = alone(add_pool)


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("kind", KINDS)
def test_pool(kind, padding):
    cases = [(kind, *case, padding) for case in product(SHAPES, WINDOWS)]
    check_bit_exact(side_by_side(add_pool, cases))


@pytest.mark.parametrize("zero_point", [-128, -3, 100])
def test_activation(zero_point):
    window = (1, 6, 6, 2), (2, 2, 2, 2), SAME
    cases = [(kind, *window, how) for kind, how in product(KINDS, (RELU, RELU6, RELU_N1_TO_1))]
    point = {"zero_point": zero_point, "out_zero_point": zero_point}
    check_bit_exact(side_by_side(add_pool, cases, **point))


@pytest.mark.parametrize("kind", KINDS)
def test_scales_that_nearly_agree(kind):
    check_bit_exact(pool(kind, (1, 6, 6, 2), (2, 2, 2, 2), VALID, RELU6, out_scale=0.0500009))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change,words",
    [
        ({"out_scale": 0.06}, "different scales"),
        ({"out_zero_point": -4}, "different zero points"),
        ({"dtype": "uint8", "zero_point": 3, "out_zero_point": 3}, "not int8"),
    ],
)
def test_refused_as_in_tflm(kind, change, words):
    data = pool(kind, (1, 6, 6, 2), (2, 2, 2, 2), VALID, **change)
    check_refused(data, words)
    assert tflm_refuses(data)


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_a_wrong_output_shape(kind):
    b = ModelBuilder()
    x = b.input((1, 6, 6, 2), scale=0.05)
    y = b.op(kind, [x], (1, 6, 6, 2), scale=0.05, options={"stride_h": 2, "stride_w": 2})
    check_refused(b.finish([y]), "shapes disagree")
