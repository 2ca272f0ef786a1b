# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE, DEPTH_TO_SPACE, SPACE_TO_DEPTH, SQUEEZE and EXPAND_DIMS against TFLM's interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from tests.support.exact import check_bit_exact, check_refused, tflm_refuses
from tests.support.side_by_side import alone, side_by_side
from tests.support.tflite_builder import ModelBuilder

QUANT = {"scale": 0.05, "zero_point": -3}


def quant(dtype: str) -> dict[str, Any]:
    return QUANT if dtype == "int8" else {}


def add_transpose(
    b: ModelBuilder, shape: Sequence[int], order: Sequence[int], dtype: str = "int8"
) -> Any:
    x = b.input(shape, dtype, **quant(dtype))
    out = [shape[axis] for axis in order]
    y = b.op("TRANSPOSE", [x, b.constant(list(order))], out, dtype, **quant(dtype))
    return y


transpose = alone(add_transpose)


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
def test_every_permutation(shape):
    cases = [(shape, order) for order in permutations(range(len(shape)))]
    check_bit_exact(side_by_side(add_transpose, cases))


def test_transpose_5():
    orders = ["43210", "02413", "10234", "34012", "01324"]
    cases = [((2, 3, 2, 4, 3), [int(axis) for axis in order]) for order in orders]
    check_bit_exact(side_by_side(add_transpose, cases))


@pytest.mark.parametrize("shape,order", [((5, 7), (1, 0)), ((6,), (0,)), ((1, 8, 1), (2, 1, 0))])
def test_transpose_of_few_axes(shape, order):
    check_bit_exact(transpose(shape, order))


def test_transpose_that_moves_nothing_is_no_code():
    program = check_bit_exact(transpose((1, 6, 1, 5), (0, 2, 1, 3)))
    assert program.calls[0].alias


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_transpose_types(dtype):
    check_bit_exact(transpose((2, 3, 4), (2, 0, 1), dtype))


@pytest.mark.parametrize(
    "data,words",
    [
        (transpose((3, 4), (1, 0), "uint8"), "is uint8"),
        (transpose((3, 4), (1, 0), "int32"), "is int32"),
        (transpose((1, 1, 2, 2, 2, 2), (0, 1, 2, 3, 5, 4)), "more than 5 axes"),
    ],
)
def test_transpose_refuses_what_tflm_refuses(data, words):
    check_refused(data, words)
    assert tflm_refuses(data)


def test_transpose_refuses_an_axis_named_twice():
    check_refused(transpose((4, 4), (1, 1)), "each axis once")


def test_transpose_refuses_a_permutation_that_is_not_constant():
    b = ModelBuilder()
    y = b.op("TRANSPOSE", [b.input((3, 4), **QUANT), b.input((2,), "int32")], (4, 3), **QUANT)
    data = b.finish([y])
    check_refused(data, "not constant int32")
    assert tflm_refuses(data)


def add_depth_to_space(
    b: ModelBuilder, shape: Sequence[int], block: int, dtype: str = "int8"
) -> Any:
    x = b.input(shape, dtype, **quant(dtype))
    n, h, w, c = shape
    out = (n, h * block, w * block, c // block**2)
    options = {"block_size": block}
    return b.op("DEPTH_TO_SPACE", [x], out, dtype, options=options, **quant(dtype))


depth_to_space = alone(add_depth_to_space)


def add_space_to_depth(
    b: ModelBuilder, shape: Sequence[int], block: int, dtype: str = "int8"
) -> Any:
    x = b.input(shape, dtype, **quant(dtype))
    n, h, w, c = shape
    out = (n, h // block, w // block, c * block**2)
    options = {"block_size": block}
    return b.op("SPACE_TO_DEPTH", [x], out, dtype, options=options, **quant(dtype))


space_to_depth = alone(add_space_to_depth)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize(
    "shape,block",
    [
        ((1, 3, 4, 8), 2),
        ((2, 2, 3, 9), 3),
        ((1, 1, 1, 16), 4),
        ((1, 3, 5, 4), 2),
        ((1, 2, 2, 3), 1),
    ],
)
def test_depth_to_space(shape, block, dtype):
    check_bit_exact(depth_to_space(shape, block, dtype))


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize(
    "shape,block",
    [((1, 4, 6, 3), 2), ((2, 3, 9, 2), 3), ((1, 4, 4, 1), 4), ((1, 2, 8, 1), 2), ((1, 2, 2, 3), 1)],
)
def test_space_to_depth(shape, block, dtype):
    check_bit_exact(space_to_depth(shape, block, dtype))


@pytest.mark.parametrize(
    "make,shape", [(depth_to_space, (1, 2, 2, 4)), (space_to_depth, (1, 2, 2, 4))]
)
def test_blocks_refuse_int16(make, shape):
    data = make(shape, 2, "int16")
    check_refused(data, "is int16")
    assert tflm_refuses(data)


def test_blocks_refuse_sides_that_do_not_divide():
    data = space_to_depth((1, 5, 4, 1), 2)
    check_refused(data, "shapes disagree")
    assert tflm_refuses(data)


def add_squeeze(
    b: ModelBuilder, shape: Sequence[int], axes: Sequence[int], out: Sequence[int], dtype="int8"
) -> Any:
    x = b.input(shape, dtype, **quant(dtype))
    options = {"squeeze_dims": list(axes)} if axes else {}
    return b.op("SQUEEZE", [x], out, dtype, options=options, **quant(dtype))


squeeze = alone(add_squeeze)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "float32"])
@pytest.mark.parametrize(
    "axes,out", [((), (3, 4)), ((0,), (3, 1, 4, 1)), ((2, -1), (1, 3, 4)), ((-5,), (3, 1, 4, 1))]
)
def test_squeeze(axes, out, dtype):
    program = check_bit_exact(squeeze((1, 3, 1, 4, 1), axes, out, dtype))
    assert program.calls[0].alias


@pytest.mark.parametrize("axes", [(1,), (7,)])
def test_squeeze_refuses_what_tflm_refuses(axes):
    data = squeeze((1, 3, 1), axes, (3, 1))
    check_refused(data, "squeezes an axis that is not 1")
    assert tflm_refuses(data)


def add_expand_dims(
    b: ModelBuilder,
    shape: Sequence[int],
    axis: int,
    out: Sequence[int],
    dtype: str = "int8",
    index: type = np.int32,
) -> Any:
    x = b.input(shape, dtype, **quant(dtype))
    y = b.op("EXPAND_DIMS", [x, b.constant(np.array(axis, index))], out, dtype, **quant(dtype))
    return y


expand_dims = alone(add_expand_dims)


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32"])
@pytest.mark.parametrize(
    "axis,out", [(0, (1, 3, 4)), (1, (3, 1, 4)), (2, (3, 4, 1)), (-1, (3, 4, 1))]
)
def test_expand_dims(axis, out, dtype):
    program = check_bit_exact(expand_dims((3, 4), axis, out, dtype))
    assert program.calls[0].alias


@pytest.mark.parametrize(
    "data,words",
    [
        (expand_dims((3, 4), 0, (1, 3, 4), "uint8"), "is uint8"),
        (expand_dims((3, 4), 0, (1, 3, 4), index=np.int64), "constant int32"),
        (expand_dims((3, 4), 1, (1, 3, 4)), "shapes disagree"),
    ],
)
def test_expand_dims_refuses_what_tflm_refuses(data, words):
    check_refused(data, words)
    assert tflm_refuses(data)
