# SPDX-License-Identifier: Apache-2.0
"""FILL, SHAPE, ZEROS_LIKE, BROADCAST_TO, GATHER and CAST against TFLM's interpreter."""

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


def quant(dtype: str) -> dict[str, Any]:
    return QUANT if dtype == "int8" else {}


def add_fill(
    b: ModelBuilder, shape: Sequence[int], dtype: str, dims: Sequence[int] | None = None
) -> Any:
    operands = [b.constant(list(dims or shape)), b.input((), dtype, **quant(dtype))]
    return b.op("FILL", operands, shape, dtype, **quant(dtype))


fill = alone(add_fill)


def test_fill():
    cases = product([(1, 3, 4), (7,), (1,)], ["int8", "int32", "float32"])
    check_bit_exact(side_by_side(add_fill, cases))


@pytest.mark.parametrize(
    "data,words",
    [(fill((3, 4), "int16"), "is int16"), (fill((3, 4), "int8", (4, 3)), "shapes disagree")],
)
def test_fill_refuses_what_tflm_refuses(data, words):
    check_refused(data, words)
    assert tflm_refuses(data)


def add_one_input(
    b: ModelBuilder, kind: str, dtype: str, out: Sequence[int], out_dtype: str
) -> Any:
    x = b.input((2, 3, 5), dtype, **quant(dtype))
    return b.op(kind, [x], out, out_dtype, **quant(out_dtype))


one_input = alone(add_one_input)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_shape(dtype):
    check_bit_exact(one_input("SHAPE", dtype, (3,), "int32"))


def test_shape_refuses_int64():
    data = one_input("SHAPE", "int8", (3,), "int64")
    check_refused(data, "not int32")
    assert tflm_refuses(data)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "float32"])
def test_zeros_like(dtype):
    check_bit_exact(one_input("ZEROS_LIKE", dtype, (2, 3, 5), dtype))


def test_zeros_like_refuses_int16():
    data = one_input("ZEROS_LIKE", "int16", (2, 3, 5), "int16")
    check_refused(data, "is int16")
    assert tflm_refuses(data)


def add_broadcast_to(
    b: ModelBuilder, source: Sequence[int], out: Sequence[int], dtype: str = "int8"
) -> Any:
    x = b.input(source, dtype, **quant(dtype))
    y = b.op("BROADCAST_TO", [x, b.constant(list(out))], out, dtype, **quant(dtype))
    return y


broadcast_to = alone(add_broadcast_to)


WIDER = [
    ((1, 1, 4), (2, 3, 4)),
    ((3, 1), (3, 5)),
    ((2, 1, 3, 1), (2, 4, 3, 2)),
    ((5,), (2, 3, 5)),
    ((1,), (2, 2, 2, 2, 2)),
    ((2, 3), (2, 3)),
]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "float32"])
def test_broadcast_to(dtype):
    check_bit_exact(side_by_side(add_broadcast_to, [(*shapes, dtype) for shapes in WIDER]))


@pytest.mark.parametrize("source,out", [((2, 3), (4, 3)), ((1, 1), (1, 1, 1, 1, 1, 2))])
def test_broadcast_to_refuses_what_tflm_refuses(source, out):
    data = broadcast_to(source, out)
    check_refused(data, "shapes disagree" if len(out) < 6 else "more than 5 axes")
    assert tflm_refuses(data)


def add_gather(
    b: ModelBuilder,
    shape: Sequence[int],
    indices: Any,
    axis: int,
    batch_dims: int = 0,
    dtype="int8",
) -> Any:
    x = b.input(shape, dtype, **quant(dtype))
    chosen = np.array(indices, np.int32)
    at = axis % len(shape)
    out = (*shape[:at], *chosen.shape[batch_dims:], *shape[at + 1 :])
    options = {"axis": axis, "batch_dims": batch_dims}
    operands = [x, b.constant(chosen)]
    return b.op("GATHER", operands, out, dtype, options=options, **quant(dtype))


gather = alone(add_gather)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize(
    "indices,axis,batch_dims",
    [
        ([2, 0, 0], 1, 0),
        ([[1, 0], [2, 2]], 1, 0),
        (1, 2, 0),
        ([4, 3, 2, 1, 0], -1, 0),
        ([[0, 2], [2, 1]], 1, 1),
        ([[4], [0]], 2, 1),
    ],
)
def test_gather(indices, axis, batch_dims, dtype):
    check_bit_exact(gather((2, 3, 5), indices, axis, batch_dims, dtype))


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8"])
def test_gather_refuses_types(dtype):
    data = gather((2, 3), [0], 1, dtype=dtype)
    check_refused(data, f"is {dtype}")
    assert tflm_refuses(data)


def test_gather_refuses_indices_outside():
    check_refused(gather((2, 3), [3], 1), "outside its input")


CASTS = product(["int8", "int16", "int32", "bool"], ["int8", "int16", "int32", "float32"])


def test_cast():
    cases = [("CAST", source, (2, 3, 5), out) for source, out in (*CASTS, ("float32", "float32"))]
    check_bit_exact(side_by_side(add_one_input, cases))


@pytest.mark.parametrize("source,out", [("uint8", "int8"), ("int64", "int32"), ("int8", "uint8")])
def test_cast_refuses_what_tflm_refuses(source, out):
    data = one_input("CAST", source, (2, 3, 5), out)
    check_refused(data, "does not cast")
    assert tflm_refuses(data)


def test_cast_refuses_float_to_integer():
    check_refused(one_input("CAST", "float32", (2, 3, 5), "int8"), "processors differ")
