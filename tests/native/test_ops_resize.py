# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR against TFLM's interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.support.exact import check_bit_exact, check_refused, tflm_refuses
from tests.support.side_by_side import alone, side_by_side
from tests.support.tflite_builder import ModelBuilder

QUANT = {"scale": 0.05, "zero_point": -3}
NEAREST, BILINEAR = "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"
HOW = [{}, {"align_corners": True}, {"half_pixel_centers": True}]
SIZES = [
    ((4, 4), (8, 8)),
    ((5, 7), (11, 3)),
    ((8, 8), (3, 5)),
    ((3, 3), (3, 3)),
    ((1, 6), (4, 1)),
    ((1, 1), (3, 7)),
    ((2, 9), (17, 23)),
    ((13, 10), (31, 7)),
]


def add_resize(
    b: ModelBuilder,
    kind: str,
    sides: tuple[int, int],
    size: Sequence[int],
    how: dict[str, Any],
    *,
    dtype: str = "int8",
    channels: int = 3,
    batches: int = 1,
) -> Any:
    quant = QUANT if dtype == "int8" else {}
    x = b.input((batches, *sides, channels), dtype, **quant)
    out = (batches, *size, channels)
    return b.op(kind, [x, b.constant(list(size))], out, dtype, options=how, **quant)


resize = alone(add_resize)


@pytest.mark.parametrize("how", [*HOW, {"align_corners": True, "half_pixel_centers": True}])
def test_nearest(how):
    cases = [(NEAREST, *sizes, how) for sizes in SIZES]
    check_bit_exact(side_by_side(add_resize, cases, batches=2))


@pytest.mark.parametrize("how", HOW)
def test_bilinear(how):
    cases = [(BILINEAR, *sizes, how) for sizes in SIZES]
    check_bit_exact(side_by_side(add_resize, cases, batches=2))


@pytest.mark.parametrize("kind,how", list(product((NEAREST, BILINEAR), HOW)))
def test_random_sizes(kind, how):
    sizes = np.random.default_rng(0).integers(1, 40, (24, 2, 2)).tolist()
    cases = [(kind, tuple(sides), tuple(size), how) for sides, size in sizes]
    check_bit_exact(side_by_side(add_resize, cases))


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_nearest_types(dtype):
    check_bit_exact(resize(NEAREST, (3, 4), (7, 9), {"half_pixel_centers": True}, dtype=dtype))


@pytest.mark.parametrize(
    "kind,dtype", [(NEAREST, "uint8"), (NEAREST, "int32"), (BILINEAR, "int16")]
)
def test_refuses_types(kind, dtype):
    data = resize(kind, (3, 4), (7, 9), {}, dtype=dtype)
    check_refused(data, f"is {dtype}")
    assert tflm_refuses(data)


def test_bilinear_refuses_float32():
    check_refused(resize(BILINEAR, (3, 4), (7, 9), {}, dtype="float32"), "not int8")


def test_bilinear_refuses_both_conventions():
    data = resize(BILINEAR, (3, 4), (7, 9), {"align_corners": True, "half_pixel_centers": True})
    check_refused(data, "both align_corners and half_pixel_centers")
    assert tflm_refuses(data)


def test_bilinear_refuses_where_tflm_reads_past_the_end():
    check_refused(resize(BILINEAR, (3, 3), (2000, 3), {}, channels=1), "past its input's last row")


@pytest.mark.parametrize("kind", [NEAREST, BILINEAR])
def test_refuses_a_size_that_is_not_constant(kind):
    b = ModelBuilder()
    x, size = b.input((1, 3, 3, 2), **QUANT), b.input((2,), "int32")
    data = b.finish([b.op(kind, [x, size], (1, 5, 5, 2), **QUANT)])
    check_refused(data, "not two constant int32")
    assert tflm_refuses(data)


@pytest.mark.parametrize("kind", [NEAREST, BILINEAR])
def test_refuses_a_size_that_is_not_the_outputs(kind):
    b = ModelBuilder()
    x = b.input((1, 3, 3, 2), **QUANT)
    check_refused(
        b.finish([b.op(kind, [x, b.constant([5, 6])], (1, 5, 5, 2), **QUANT)]), "shapes disagree"
    )
