# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX over long rows, where TFLM's own kernel ends the process."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.lower.build import lower_graph
from edgekit.tflite.reader import read_graph
from tests.support.exact import check_bit_exact
from tests.support.sanitized import SanitizedModel
from tests.support.tflite_builder import ModelBuilder


def softmax(depth: int, scale: float) -> bytes:
    b = ModelBuilder()
    x = b.input((2, depth), scale=scale)
    options = {"beta": 1.0}
    y = b.op("SOFTMAX", [x], (2, depth), scale=1 / 256, zero_point=-128, options=options)
    return b.finish([y])


@pytest.mark.parametrize("depth", [1, 255, 256, 511])
def test_equal_inputs_up_to_the_limit(depth: int) -> None:
    check_bit_exact(softmax(depth, 1e-3))


@pytest.mark.parametrize("depth", [512, 1001, 5000])
def test_equal_inputs_beyond_it_round_to_nothing(depth: int) -> None:
    model = SanitizedModel(lower_graph(read_graph(softmax(depth, 1e-3))))
    (out,) = model.run([np.zeros((2, depth), np.int8)])
    assert (out == -128).all()


def test_one_clear_winner_in_a_long_row() -> None:
    model = SanitizedModel(lower_graph(read_graph(softmax(1001, 0.25))))
    values = np.full((2, 1001), -100, np.int8)
    values[:, 7] = 100
    (out,) = model.run([values])
    assert (out[:, 7] == 127).all() and (np.delete(out, 7, axis=1) == -128).all()
