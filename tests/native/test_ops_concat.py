# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION, PACK, UNPACK, SPLIT and SPLIT_V against TFLM's interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.support.exact import check_bit_exact, check_refused, tflm_refuses
from tests.support.side_by_side import alone, side_by_side
from tests.support.tflite_builder import RELU, ModelBuilder

QUANT = {"scale": 0.05, "zero_point": -3}
DTYPES = ("int8", "int16", "int32", "float32")


def quant(dtype: str) -> dict[str, Any]:
    return QUANT if dtype == "int8" else {}


def add_concatenation(
    b: ModelBuilder,
    shapes: Sequence[tuple[int, ...]],
    axis: int,
    dtype: str = "int8",
    **options: Any,
) -> Any:
    inputs = [b.input(shape, dtype, **quant(dtype)) for shape in shapes]
    out = list(shapes[0])
    out[axis] = sum(shape[axis] for shape in shapes)
    options = {"axis": axis} | options
    return b.op("CONCATENATION", inputs, out, dtype, options=options, **quant(dtype))


concatenation = alone(add_concatenation)


JOINED: list[tuple[list[tuple[int, ...]], int]] = [
    ([(1, 4, 4, 3), (1, 4, 4, 5)], 3),
    ([(1, 4, 4, 3), (1, 4, 4, 5)], -1),
    ([(1, 4, 4, 1), (1, 4, 4, 1), (1, 4, 4, 1)], 3),
    ([(1, 2, 4, 3), (1, 5, 4, 3)], 1),
    ([(1, 2, 4, 3), (1, 2, 1, 3), (1, 2, 7, 3)], 2),
    ([(1, 6), (2, 6)], 0),
    ([(1, 6), (1, 6)], -2),
    ([(7,), (2,), (1,)], 0),
    ([(1, 2, 2, 2, 2, 3), (1, 2, 2, 2, 2, 2)], 5),
    ([(1, 3, i + 1) for i in range(10)], 2),
    ([(2, 3, 1)], 2),
]


def test_concatenation():
    check_bit_exact(side_by_side(add_concatenation, JOINED))


def test_concatenation_of_types():
    cases = [([(1, 3, 2), (1, 3, 4)], 2, dtype) for dtype in (*DTYPES, "int64", "bool")]
    check_bit_exact(side_by_side(add_concatenation, cases))


def test_concatenation_of_one_tensor_twice_and_a_constant():
    b = ModelBuilder()
    x = b.input((1, 4, 3), **QUANT)
    constant = b.constant(np.arange(-8, 12, dtype=np.int8).reshape(1, 4, 5), **QUANT)
    y = b.op("CONCATENATION", [x, constant, x], (1, 4, 11), options={"axis": 2}, **QUANT)
    check_bit_exact(b.finish([y]))


@pytest.mark.parametrize("other", [{"scale": 0.06, "zero_point": -3}, {"scale": 0.05}])
def test_concatenation_refuses_scales_that_differ(other):
    b = ModelBuilder()
    inputs = [b.input((1, 4), **QUANT), b.input((1, 4), **other)]
    data = b.finish([b.op("CONCATENATION", inputs, (1, 8), options={"axis": 1}, **QUANT)])
    check_refused(data, "different scales")
    assert tflm_refuses(data)


@pytest.mark.parametrize(
    "data,words",
    [
        (concatenation([(1, 4), (1, 4)], 1, fused_activation_function=RELU), "activation"),
        (concatenation([(1, 4), (1, 4)], 1, "uint8"), "is uint8"),
        (concatenation([(1, 2)] * 11, 1), "more than 10"),
    ],
)
def test_concatenation_refuses_what_tflm_refuses(data, words):
    check_refused(data, words)
    assert tflm_refuses(data)


def test_concatenation_refuses_shapes_that_disagree():
    b = ModelBuilder()
    inputs = [b.input((1, 4, 2), **QUANT), b.input((1, 5, 2), **QUANT)]
    y = b.op("CONCATENATION", inputs, (1, 4, 4), options={"axis": 2}, **QUANT)
    check_refused(b.finish([y]), "shapes disagree")


def add_pack(
    b: ModelBuilder, count: int, shape: tuple[int, ...], axis: int, dtype: str = "int8"
) -> Any:
    inputs = [b.input(shape, dtype, **quant(dtype)) for _ in range(count)]
    at = axis if axis >= 0 else axis + len(shape) + 1
    out = (*shape[:at], count, *shape[at:])
    options = {"axis": axis, "values_count": count}
    return b.op("PACK", inputs, out, dtype, options=options, **quant(dtype))


pack = alone(add_pack)


@pytest.mark.parametrize("count", [1, 2, 13])
def test_pack(count):
    cases = [(count, (2, 3, 4), axis) for axis in (0, 1, 2, 3, -1, -3)]
    check_bit_exact(side_by_side(add_pack, cases))


def test_pack_types():
    cases = [(3, (2, 3), 1, dtype) for dtype in (*DTYPES, "int64")]
    check_bit_exact(side_by_side(add_pack, cases))


def test_pack_moves_scalars():
    check_bit_exact(pack(4, (), 0, "int32"))


def test_pack_refuses_uint8():
    data = pack(2, (2, 3), 1, "uint8")
    check_refused(data, "is uint8")
    assert tflm_refuses(data)


def add_unpack(b: ModelBuilder, shape: tuple[int, ...], axis: int, dtype: str = "int8") -> Any:
    x = b.input(shape, dtype, **quant(dtype))
    at = axis % len(shape)
    out, count = shape[:at] + shape[at + 1 :], shape[at]
    options = {"axis": axis, "num": count}
    return b.op("UNPACK", [x], out, dtype, count=count, options=options, **quant(dtype))


unpack = alone(add_unpack)


def test_unpack():
    cases = product([(2, 3, 4, 5), (1, 12, 1, 2)], [0, 1, 2, 3, -1, -2])
    check_bit_exact(side_by_side(add_unpack, cases))


def test_unpack_types():
    check_bit_exact(side_by_side(add_unpack, [((2, 3, 4), 1, dtype) for dtype in DTYPES]))


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_unpack_refuses_types(dtype):
    data = unpack((2, 3), 1, dtype)
    check_refused(data, f"is {dtype}")
    assert tflm_refuses(data)


def add_split(
    b: ModelBuilder, shape: tuple[int, ...], axis: int, count: int, dtype: str = "int8"
) -> Any:
    x = b.input(shape, dtype, **quant(dtype))
    out = list(shape)
    out[axis] //= count
    inputs, options = [b.constant(np.int32(axis)), x], {"num_splits": count}
    return b.op("SPLIT", inputs, out, dtype, count=count, options=options, **quant(dtype))


split = alone(add_split)


def test_split():
    cases = product([(1, 4, 8, 12)], [1, 2, 3, -1], [1, 2, 4])
    check_bit_exact(side_by_side(add_split, cases))


def test_split_types():
    check_bit_exact(side_by_side(add_split, [((2, 6, 3), 1, 3, dtype) for dtype in DTYPES]))


def test_split_where_one_part_is_not_used():
    b = ModelBuilder()
    x = b.input((1, 4, 6), **QUANT)
    parts = b.op(
        "SPLIT", [b.constant([2]), x], (1, 4, 2), count=3, options={"num_splits": 3}, **QUANT
    )
    y = b.op("CONCATENATION", [parts[2], parts[0]], (1, 4, 4), options={"axis": 2}, **QUANT)
    check_bit_exact(b.finish([y]))


def test_split_refuses_an_axis_that_is_not_constant():
    b = ModelBuilder()
    axis, x = b.input((1,), "int32"), b.input((1, 4), **QUANT)
    options = {"num_splits": 2}
    data = b.finish(b.op("SPLIT", [axis, x], (1, 2), count=2, options=options, **QUANT))
    check_refused(data, "axis is not a constant")
    assert tflm_refuses(data)


def test_split_refuses_parts_that_do_not_add_up():
    b = ModelBuilder()
    inputs = [b.constant([1]), b.input((1, 5), **QUANT)]
    parts = b.op("SPLIT", inputs, (1, 2), count=2, options={"num_splits": 2}, **QUANT)
    check_refused(b.finish(parts), "shapes disagree")


def add_split_v(
    b: ModelBuilder, shape: tuple[int, ...], axis: int, sizes: Sequence[int], dtype: str = "int8"
) -> Any:
    x = b.input(shape, dtype, **quant(dtype))
    inputs = [x, b.constant(list(sizes)), b.constant(np.int32(axis))]
    options = {"num_splits": len(sizes)}
    sides = [(*shape[: axis % len(shape)], size, *shape[axis % len(shape) + 1 :]) for size in sizes]
    parts = [b.tensor(side, dtype, **quant(dtype)) for side in sides]
    b.add_op("SPLIT_V", inputs, parts, options)
    return parts


split_v = alone(add_split_v)


def test_split_v():
    cuts = [(1, (1, 3)), (2, (5, 1, 2)), (3, (1, 1, 10)), (-1, (6, 6)), (3, (1,) * 12)]
    check_bit_exact(side_by_side(add_split_v, [((1, 4, 8, 12), *cut) for cut in cuts]))


def test_split_v_types():
    check_bit_exact(side_by_side(add_split_v, [((2, 6, 3), 1, (1, 5), dtype) for dtype in DTYPES]))


def test_split_v_refuses_many_parts_of_different_sizes():
    check_refused(split_v((1, 13), 1, (2, *(1,) * 11)), "more than 10 parts")
