# SPDX-License-Identifier: Apache-2.0
"""Kernels that move, resize and pool under ASan and UBSan: nothing is read or written outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgekit.lower.build import lower_graph
from edgekit.tflite.reader import read_graph
from tests.native import test_ops_concat as parts
from tests.native import test_ops_fill as fill
from tests.native import test_ops_pool as pool
from tests.native import test_ops_resize as resize
from tests.native import test_ops_slice as slices
from tests.native import test_ops_space_batch as batches
from tests.native import test_ops_transpose as order
from tests.native import test_ops_transpose_conv as conv
from tests.support.exact import host_model, random_inputs
from tests.support.sanitized import SanitizedModel
from tests.support.side_by_side import side_by_side
from tests.support.tflite_builder import SAME, VALID, ModelBuilder

HALF, CORNERS = {"half_pixel_centers": True}, {"align_corners": True}
CASES: dict[Callable[..., Any], list[tuple[Any, ...]]] = {
    parts.add_concatenation: [([(1, 4, 3), (1, 4, 5)], 2), ([(2, 3), (2, 3)], 0)],
    parts.add_pack: [(13, (2, 3, 4), 1), (2, (2, 3), 2, "float32")],
    parts.add_unpack: [((2, 12, 4), 1)],
    parts.add_split: [((1, 4, 8, 12), 3, 4)],
    parts.add_split_v: [((1, 4, 12), 2, (1, 1, 10))],
    slices.add_slice_of: [((2, 3, 4, 5, 6), (1, 1, 1, 1, 1), (1, 2, -1, 3, 4))],
    slices.add_strided: [
        ((1, 6, 7, 3), (0, -1, -1, -1), (1, -7, -8, -4), (1, -1, -1, -1)),
        ((6, 5), (1, 4), (6, 0), (2, -3)),
    ],
    order.add_transpose: [((2, 3, 2, 4, 3), (4, 3, 2, 1, 0)), ((2, 3, 4), (2, 0, 1), "float32")],
    order.add_depth_to_space: [((2, 2, 3, 9), 3)],
    order.add_space_to_depth: [((2, 3, 9, 2), 3)],
    resize.add_resize: [
        (kind, *sizes, how)
        for kind in (resize.NEAREST, resize.BILINEAR)
        for sizes, how in zip(resize.SIZES, (HALF, CORNERS, {}, HALF) * 2, strict=True)
    ],
    conv.add_transpose_conv: [
        (*shape, stride, padding)
        for shape in conv.SHAPES[:3]
        for stride, padding in (((1, 1), SAME), ((2, 3), VALID))
    ],
    batches.add_moves: [("BATCH_TO_SPACE_ND", *case) for case in batches.CASES],
    fill.add_fill: [((1, 3, 4), "float32")],
    fill.add_broadcast_to: [((2, 1, 3, 1), (2, 4, 3, 2))],
    fill.add_gather: [((2, 3, 5), [[0, 2], [2, 1]], 1, 1)],
    fill.add_one_input: [("CAST", "int32", (2, 3, 5), "int8"), ("SHAPE", "int8", (3,), "int32")],
    pool.add_pool: [(kind, (1, 7, 5, 3), (3, 2, 2, 3), SAME) for kind in pool.KINDS],
}


@pytest.mark.parametrize("add", CASES, ids=lambda add: add.__name__)
def test_nothing_out_of_bounds(add):
    check(side_by_side(add, CASES[add]))


def test_outputs_cut_short():
    b = ModelBuilder()
    check(b.finish([conv.add_transpose_conv(b, (1, 4, 4, 2), (4, 3, 3), out=(15, 4))]))


def check(data: bytes) -> None:
    graph = read_graph(data)
    sanitized, plain = SanitizedModel(lower_graph(graph)), host_model(graph)
    for inputs in random_inputs(graph, 4):
        for got, expected in zip(sanitized.run(inputs), plain.run(inputs), strict=True):
            assert got.tobytes() == expected.tobytes()
