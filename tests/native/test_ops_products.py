# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL and L2_NORMALIZATION, byte for byte as TFLM gives them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.exact import check_bit_exact, check_refused
from tests.support.tflite_builder import ModelBuilder

Shape = tuple[int, ...]


def product(a: Shape, b: Shape, out: Shape, *, constant: bool = False, **options: bool) -> bytes:
    builder = ModelBuilder()
    x = builder.input(a, scale=0.05, zero_point=-7)
    if constant:
        values = np.random.default_rng(1).integers(-128, 128, b).astype(np.int8)
        y = builder.constant(values, scale=0.03, zero_point=0)
    else:
        y = builder.input(b, scale=0.03, zero_point=11)
    rest = {"scale": 0.4, "zero_point": 5, "options": options}
    return builder.finish([builder.op("BATCH_MATMUL", [x, y], out, **rest)])


@pytest.mark.parametrize(
    ("a", "b", "out"),
    [
        ((3, 5), (5, 2), (3, 2)),
        ((1, 4, 8), (1, 8, 6), (1, 4, 6)),
        ((2, 3, 4, 5), (2, 3, 5, 7), (2, 3, 4, 7)),
        ((2, 1, 4, 5), (3, 5, 2), (2, 3, 4, 2)),
        ((2, 3, 1, 4, 5), (1, 3, 2, 5, 1), (2, 3, 2, 4, 1)),
    ],
)
def test_products_and_batches_that_repeat(a: Shape, b: Shape, out: Shape) -> None:
    check_bit_exact(product(a, b, out))


@pytest.mark.parametrize("adj_x", [False, True])
@pytest.mark.parametrize("adj_y", [False, True])
def test_transposed_operands(adj_x: bool, adj_y: bool) -> None:
    a = (2, 5, 3) if adj_x else (2, 3, 5)
    b = (2, 4, 5) if adj_y else (2, 5, 4)
    check_bit_exact(product(a, b, (2, 3, 4), adj_x=adj_x, adj_y=adj_y))


def test_a_constant_operand() -> None:
    check_bit_exact(product((1, 4, 8), (1, 8, 6), (1, 4, 6), constant=True))


@pytest.mark.parametrize("zero_point", [-128, -3, 0, 100])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3, 5, 16), (4, 300)])
def test_normalized_rows(shape: Shape, zero_point: int) -> None:
    builder = ModelBuilder()
    x = builder.input(shape, scale=0.1, zero_point=zero_point)
    rest = {"scale": 1 / 128, "zero_point": 0}
    check_bit_exact(builder.finish([builder.op("L2_NORMALIZATION", [x], shape, **rest)]))


def test_another_scale_is_refused() -> None:
    builder = ModelBuilder()
    x = builder.input((1, 7), scale=0.1)
    data = builder.finish([builder.op("L2_NORMALIZATION", [x], (1, 7), scale=0.5)])
    check_refused(data, "scale 1/128")
