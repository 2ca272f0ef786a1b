# SPDX-License-Identifier: Apache-2.0
"""GATHER by numbers of run time, and the tables that QUANTIZE and GATHER make together."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.lower.build import lower_graph
from edgekit.tflite.golden import TflmGolden
from edgekit.tflite.reader import read_graph
from tests.support.exact import check_bit_exact, host_model, needs_tflm
from tests.support.sanitized import SanitizedModel
from tests.support.tflite_builder import ModelBuilder

QUANT = {"scale": 0.05, "zero_point": -3}
RNG = np.random.default_rng(0)


def embedding(side: int = 9, width: int = 5, steps: int = 4) -> bytes:
    b = ModelBuilder()
    table = b.constant(RNG.integers(-128, 128, (side, width)).astype(np.int8), **QUANT)
    chosen = b.input((1, steps), "int32")
    return b.finish([b.op("GATHER", [table, chosen], (1, steps, width), **QUANT)])


def along(axis: int, batch_dims: int) -> bytes:
    """Both operands are inputs, (2, 3, 5) and (2, 4)."""
    b = ModelBuilder()
    x, chosen = b.input((2, 3, 5), **QUANT), b.input((2, 4), "int32")
    shape = (2, 3, 5)
    out = (*shape[:axis], *(2, 4)[batch_dims:], *shape[axis + 1 :])
    options = {"axis": axis, "batch_dims": batch_dims}
    return b.finish([b.op("GATHER", [x, chosen], out, options=options, **QUANT)])


def chosen_by_table(
    zero_point: int, entries: int = 256, scale: float = 0.05, first: int = 128
) -> bytes:
    """A table read at the integers of a tensor, `first` at that which is 0 of an input's."""
    b = ModelBuilder()
    x = b.input((1, 4, 4, 3), scale=0.05, zero_point=zero_point)
    values = b.constant(RNG.integers(-128, 128, entries).astype(np.int8), **QUANT)
    index = b.op("QUANTIZE", [x], (1, 4, 4, 3), "int32", scale=scale, zero_point=zero_point + first)
    return b.finish([b.op("GATHER", [values, index], (1, 4, 4, 3), **QUANT)])


def test_an_embedding_is_tflms() -> None:
    needs_tflm()
    data = embedding()
    golden, ours = TflmGolden(data), host_model(data)
    for seed in range(6):
        chosen = np.random.default_rng(seed).integers(0, 9, (1, 4)).astype(np.int32)
        assert np.array_equal(golden.run([chosen])[0], ours.run([chosen])[0])


@pytest.mark.parametrize(("axis", "batch_dims"), [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)])
def test_any_axis_is_tflms(axis: int, batch_dims: int) -> None:
    needs_tflm()
    data = along(axis, batch_dims)
    golden, ours = TflmGolden(data), host_model(data)
    side = (2, 3, 5)[axis]
    for seed in range(6):
        rng = np.random.default_rng(seed)
        x = rng.integers(-128, 128, (2, 3, 5)).astype(np.int8)
        chosen = rng.integers(0, side, (2, 4)).astype(np.int32)
        assert np.array_equal(golden.run([x, chosen])[0], ours.run([x, chosen])[0])


def test_a_number_outside_gives_the_nearest_row() -> None:
    model = SanitizedModel(lower_graph(read_graph(embedding())))
    info = np.iinfo(np.int32)
    (out,) = model.run([np.array([[-1, 9, info.min, info.max]], np.int32)])
    (ends,) = model.run([np.array([[0, 8, 0, 8]], np.int32)])
    assert np.array_equal(out, ends)


@pytest.mark.parametrize("zero_point", [-128, -3, 0, 127])
def test_a_table_is_tflms_and_one_kernel(zero_point: int) -> None:
    program = check_bit_exact(chosen_by_table(zero_point), 6)
    assert [op.kind for op in program.graph.ops] == ["TABLE"]


def test_places_that_are_scaled_are_computed_as_the_kernels_do() -> None:
    program = check_bit_exact(chosen_by_table(0, entries=512, scale=0.0261, first=250), 6)
    assert [op.kind for op in program.graph.ops] == ["TABLE"]
