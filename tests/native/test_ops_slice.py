# SPDX-License-Identifier: Apache-2.0
"""SLICE and STRIDED_SLICE against TFLM's interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.support.exact import check_bit_exact, check_refused, tflm_refuses
from tests.support.side_by_side import alone, side_by_side
from tests.support.tflite_builder import ModelBuilder

QUANT = {"scale": 0.05, "zero_point": -3}
DTYPES = ("int8", "int16", "int32", "float32", "bool")


def quant(dtype: str) -> dict[str, Any]:
    return QUANT if dtype == "int8" else {}


def add_slice_of(
    b: ModelBuilder,
    shape: Sequence[int],
    begin: Sequence[int],
    size: Sequence[int],
    dtype: str = "int8",
    index: type = np.int32,
) -> Any:
    x = b.input(shape, dtype, **quant(dtype))
    inputs = [x, b.constant(np.array(begin, index)), b.constant(np.array(size, index))]
    rows = zip(shape, begin, size, strict=True)
    out = [side - start if n == -1 else n for side, start, n in rows]
    return b.op("SLICE", inputs, out, dtype, **quant(dtype))


slice_of = alone(add_slice_of)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize(
    "shape,begin,size",
    [
        ((1, 6, 7, 3), (0, 1, 2, 0), (1, 3, 4, 3)),
        ((1, 6, 7, 3), (0, 0, 0, 1), (-1, -1, -1, -1)),
        ((1, 6, 7, 3), (0, 2, 0, 0), (1, 1, 7, 3)),
        ((1, 6, 7, 3), (0, 0, 0, 0), (1, 6, 7, 3)),
        ((2, 3, 4, 5, 6), (1, 1, 1, 1, 1), (1, 2, -1, 3, 4)),
        ((9,), (4,), (3,)),
        ((3, 4, 5), (0, 3, 4), (3, 1, 1)),
    ],
)
def test_slice(shape, begin, size, index):
    check_bit_exact(slice_of(shape, begin, size, index=index))


def test_slice_types():
    view = (2, 6, 5), (0, 2, 1), (2, 3, 2)
    check_bit_exact(side_by_side(add_slice_of, [(*view, dtype) for dtype in DTYPES]))


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_slice_refuses_types(dtype):
    data = slice_of((2, 6), (0, 2), (2, 3), dtype)
    check_refused(data, f"is {dtype}")
    assert tflm_refuses(data)


def test_slice_of_a_constant():
    b = ModelBuilder()
    x = b.input((1, 4), **QUANT)
    whole = b.constant(np.arange(12, dtype=np.int8).reshape(3, 4), **QUANT)
    row = b.op("SLICE", [whole, b.constant([1, 0]), b.constant([1, 4])], (1, 4), **QUANT)
    y = b.op("CONCATENATION", [x, row], (2, 4), options={"axis": 0}, **QUANT)
    check_bit_exact(b.finish([y]))


def test_slice_refuses_begins_that_are_not_constant():
    b = ModelBuilder()
    x, begin = b.input((1, 8), **QUANT), b.input((2,), "int32")
    y = b.op("SLICE", [x, begin, b.constant([1, 4])], (1, 4), **QUANT)
    check_refused(b.finish([y]), "not a constant")


@pytest.mark.parametrize("begin,size", [((0, 5), (1, 4)), ((0, -1), (1, 1))])
def test_slice_refuses_to_read_outside(begin, size):
    check_refused(slice_of((1, 8), begin, size), "do not fit")


def test_slice_refuses_six_axes():
    shape = (1, 1, 2, 2, 2, 2)
    check_refused(slice_of(shape, (0,) * 6, shape), "more than 5 axes")


def add_strided(
    b: ModelBuilder,
    shape: Sequence[int],
    begin: Sequence[int],
    end: Sequence[int],
    strides: Sequence[int],
    *,
    dtype: str = "int8",
    out: Sequence[int] | None = None,
    **masks: Any,
) -> Any:
    """`out` is by default the shape that NumPy's slicing gives."""
    if out is None:
        keys: list[Any] = []
        for i, (first, last, stride) in enumerate(zip(begin, end, strides, strict=True)):
            start = None if masks.get("begin_mask", 0) >> i & 1 else first
            stop = None if masks.get("end_mask", 0) >> i & 1 else last
            shrink = masks.get("shrink_axis_mask", 0) >> i & 1
            keys.append((start or 0) if shrink else slice(start, stop, stride))
        out = np.empty(shape, np.int8)[tuple(keys)].shape
    x = b.input(shape, dtype, **quant(dtype))
    inputs = [x, *(b.constant(list(values)) for values in (begin, end, strides))]
    return b.op("STRIDED_SLICE", inputs, out, dtype, options=masks, **quant(dtype))


strided = alone(add_strided)


STRIDED = [
    ((1, 6, 7, 3), (0, 1, 2, 0), (1, 4, 6, 3), (1, 1, 1, 1), {}),
    ((1, 6, 7, 3), (0, 0, 0, 0), (1, 6, 7, 3), (1, 2, 3, 1), {}),
    ((1, 6, 7, 3), (0, 0, 0, 0), (1, 6, 7, 3), (1, 2, 2, 2), {}),
    ((1, 6, 7, 3), (0, 5, 6, 2), (1, 0, 1, 0), (1, -1, -2, -1), {}),
    ((1, 6, 7, 3), (0, -1, -1, -1), (1, -7, -8, -4), (1, -1, -1, -1), {}),
    ((1, 6, 7, 3), (0, -4, -3, 0), (1, -1, 100, 3), (1, 1, 1, 1), {}),
    ((1, 6, 7, 3), (0, 9, 9, 9), (0, 9, 9, 9), (1, 1, 1, 1), {"begin_mask": 15, "end_mask": 15}),
    ((1, 6, 7, 3), (0, 1, 9, 0), (0, 9, 3, 9), (1, -1, -2, 1), {"begin_mask": 12, "end_mask": 11}),
    ((1, 6, 7, 3), (0, 2, 0, 0), (1, 3, 7, 3), (1, 1, 1, 1), {"shrink_axis_mask": 2}),
    ((1, 6, 7, 3), (0, -1, 0, 1), (1, 0, 7, 2), (1, 1, 2, 1), {"shrink_axis_mask": 10}),
    ((1, 6, 7, 3), (0, 0, 0, 1), (1, 6, 7, 2), (1, 1, 1, 1), {"shrink_axis_mask": 9}),
    ((1, 6, 7, 3), (0, 1, 1, 1), (0, 0, 0, 0), (1, 1, 1, 1), {"shrink_axis_mask": 15}),
    ((6, 5), (1, 4), (6, 0), (2, -3), {}),
    ((3, 4, 5), (2, 0, 1), (-9, 4, 5), (-1, 1, 2), {}),
    ((17,), (-2,), (1,), (-4,), {}),
    ((1, 49, 10), (0, 48, 0), (1, 49, 10), (1, 1, 1), {"shrink_axis_mask": 2, "begin_mask": 5}),
]


@pytest.mark.parametrize("shape,begin,end,strides,masks", STRIDED)
def test_strided_slice(shape, begin, end, strides, masks):
    check_bit_exact(strided(shape, begin, end, strides, **masks), 4)


def test_strided_slice_types():
    b = ModelBuilder()
    view = (2, 6, 5), (0, 5, 1), (2, 0, 4), (1, -2, 1)
    check_bit_exact(b.finish([add_strided(b, *view, dtype=dtype) for dtype in DTYPES]))


def add_random_slice(b: ModelBuilder, rng: np.random.Generator) -> int:
    """Any masks, strides and indices, some beyond the ends, that leave something."""
    while True:
        rank = int(rng.integers(1, 5))
        shape = rng.integers(1, 8, rank)
        strides = rng.choice([-3, -2, -1, 1, 1, 2, 3], rank)
        begin, end = rng.integers(-9, 10, rank), rng.integers(-9, 10, rank)
        masks = {"begin_mask": int(rng.integers(16)), "end_mask": int(rng.integers(16))}
        shrink = int(rng.integers(16)) if rng.integers(2) else 0
        for i in range(rank):
            if shrink >> i & 1:
                strides[i], begin[i] = 1, rng.integers(-shape[i], shape[i])
        masks = {name: mask & ~shrink for name, mask in masks.items()}
        keys = [v.tolist() for v in (shape, begin, end, strides)]
        sliced = np.empty(shape, np.int8)
        for i in range(rank):
            start = None if masks["begin_mask"] >> i & 1 else begin[i]
            stop = None if masks["end_mask"] >> i & 1 else end[i]
            key = slice(begin[i], None if begin[i] == -1 else begin[i] + 1, 1)
            key = key if shrink >> i & 1 else slice(start, stop, strides[i])
            sliced = sliced[(slice(None),) * i + (key,)]
        if sliced.size:
            shrink &= 2**rank - 1
            return add_strided(b, *keys, shrink_axis_mask=shrink, **masks)


@pytest.mark.parametrize("seed", range(4))
def test_random_strided_slice(seed):
    rng = np.random.default_rng(seed)
    check_bit_exact(side_by_side(add_random_slice, [(rng,)] * 25))


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_strided_slice_refuses_types(dtype):
    data = strided((2, 6), (0, 2), (2, 5), (1, 1), dtype=dtype)
    check_refused(data, f"is {dtype}")
    assert tflm_refuses(data)


def test_strided_slice_refuses_five_axes():
    data = strided((1, 2, 2, 2, 2), (0,) * 5, (1, 2, 2, 2, 2), (1,) * 5)
    check_refused(data, "more than 4 axes")
    assert tflm_refuses(data)


def test_strided_slice_refuses_stride_0():
    data = strided((2, 6), (0, 0), (2, 6), (1, 0), out=(2, 6))
    check_refused(data, "strides are not constants that fit")
    assert tflm_refuses(data)


def test_strided_slice_refuses_a_wrong_output_shape():
    data = strided((2, 6), (0, 0), (2, 5), (1, 1), out=(2, 6))
    check_refused(data, "shapes disagree")
    assert tflm_refuses(data)


@pytest.mark.parametrize("option", ["ellipsis_mask", "new_axis_mask"])
def test_strided_slice_refuses_masks_that_tflm_ignores(option):
    check_refused(strided((2, 6), (0, 0), (2, 6), (1, 1), out=(2, 6), **{option: 1}), option)


def test_strided_slice_refuses_an_index_outside():
    data = strided((2, 6), (2, 0), (3, 6), (1, 1), out=(6,), shrink_axis_mask=1)
    check_refused(data, "outside its input")


def test_strided_slice_refuses_operands_that_are_not_constant():
    b = ModelBuilder()
    x, begin = b.input((1, 8), **QUANT), b.input((2,), "int32")
    inputs = [x, begin, b.constant([1, 4]), b.constant([1, 1])]
    data = b.finish([b.op("STRIDED_SLICE", inputs, (1, 4), **QUANT)])
    check_refused(data, "not constants")
    assert tflm_refuses(data)
