# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND against TFLM's interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import pytest

from tests.support.exact import check_bit_exact, check_refused, tflm_refuses
from tests.support.side_by_side import alone, side_by_side
from tests.support.tflite_builder import NONE, VALID, ModelBuilder

Pairs = Sequence[tuple[int, int]]
CASES = [
    ((1, 4, 6, 3), (2, 2), ((0, 0), (0, 0))),
    ((1, 5, 7, 2), (2, 3), ((1, 0), (1, 1))),
    ((2, 4, 4, 1), (2, 1), ((1, 1), (0, 0))),
    ((1, 3, 3, 5), (4, 4), ((2, 3), (3, 2))),
    ((1, 6, 6, 2), (1, 1), ((0, 0), (0, 0))),
    ((3, 7, 2), (2,), ((1, 2),)),
    ((1, 12, 4), (3,), ((0, 0),)),
]


def many(shape: Sequence[int], block: Sequence[int], edges: Pairs) -> tuple[int, ...]:
    """Shape of the tensor of many batches."""
    sides = [
        (side + sum(edge)) // step
        for side, edge, step in zip(shape[1:], edges, block, strict=False)
    ]
    return (shape[0] * prod(block), *sides, shape[-1])


def add_moves(
    b: ModelBuilder,
    kind: str,
    space: Sequence[int],
    block: Sequence[int],
    edges: Pairs,
    dtype: str = "int8",
) -> Any:
    ends = [tuple(space), many(space, block, edges)]
    source, out = ends if kind == "SPACE_TO_BATCH_ND" else ends[::-1]
    quant: dict[str, Any] = {}
    if dtype == "int8":
        quant = {"scale": 0.05, "zero_point": -3}
    operands = [b.constant(np.array(values, np.int32)) for values in (block, edges)]
    x = b.input(source, dtype, **quant)
    return b.op(kind, [x, *operands], out, dtype, **quant)


moves = alone(add_moves)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_batch_to_space(dtype):
    check_bit_exact(
        side_by_side(add_moves, [("BATCH_TO_SPACE_ND", *case, dtype) for case in CASES])
    )


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_space_to_batch(dtype):
    cases = []
    for space, block, edges in CASES:
        padded = [side + sum(edge) for side, edge in zip(space[1:], edges, strict=False)]
        whole, none = (space[0], *padded, space[-1]), ((0, 0),) * len(edges)
        cases.append(("SPACE_TO_BATCH_ND", whole, block, none, dtype))
    check_bit_exact(side_by_side(add_moves, cases))


def test_refuses_pads_that_tflm_leaves_to_chance():
    check_refused(moves("SPACE_TO_BATCH_ND", *CASES[1]), "pads with a value that it never sets")


def test_a_dilated_convolution_between_them():
    rng = np.random.default_rng(0)
    b = ModelBuilder()
    quant = {"scale": 0.05, "zero_point": -3}
    x = b.input((1, 14, 12, 4), **quant)
    block, pads = b.constant([2, 2]), b.constant(np.zeros((2, 2), np.int32))
    crops = b.constant(np.array([[0, 1], [0, 0]], np.int32))
    many_batches = b.op("SPACE_TO_BATCH_ND", [x, block, pads], (4, 7, 6, 4), **quant)
    kernel = rng.integers(-127, 128, (6, 3, 3, 4)).astype(np.int8)
    w = b.constant(kernel, scales=rng.uniform(0.001, 0.01, 6))
    bias = b.constant(rng.integers(-999, 999, 6).astype(np.int32), scales=[0.0005] * 6)
    options = {"padding": VALID, "fused_activation_function": NONE}
    y = b.op("CONV_2D", [many_batches, w, bias], (4, 5, 4, 6), scale=0.03, options=options)
    check_bit_exact(
        b.finish([b.op("BATCH_TO_SPACE_ND", [y, block, crops], (1, 9, 8, 6), scale=0.03)])
    )


@pytest.mark.parametrize("kind", ["SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"])
def test_refuses_int16(kind):
    data = moves(kind, *CASES[0], dtype="int16")
    check_refused(data, "is int16")
    assert tflm_refuses(data)


@pytest.mark.parametrize("kind", ["SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"])
def test_refuses_five_axes(kind):
    data = moves(kind, (1, 2, 2, 2, 2), (1, 1, 1), ((0, 0),) * 3)
    check_refused(data, "3 or 4 axes")
    assert tflm_refuses(data)


@pytest.mark.parametrize(
    "space,block,edges,words",
    [
        ((1, 5, 4, 1), (2, 2), ((0, 0), (0, 0)), "do not divide"),
        ((1, 4, 4, 1), (2, 2), ((-2, 2), (0, 0)), "do not fit"),
        ((1, 4, 4, 1), (2,), ((0, 0),), "3 or 4 axes"),
    ],
)
def test_refuses_blocks_that_do_not_fit(space, block, edges, words):
    check_refused(moves("SPACE_TO_BATCH_ND", space, block, edges), words)


def test_refuses_a_block_shape_that_is_not_constant():
    b = ModelBuilder()
    x, block = b.input((1, 4, 4, 1), scale=0.05), b.input((2,), "int32")
    pads = b.constant(np.zeros((2, 2), np.int32))
    y = b.op("SPACE_TO_BATCH_ND", [x, block, pads], (4, 2, 2, 1), scale=0.05)
    check_refused(b.finish([y]), "not constants")
