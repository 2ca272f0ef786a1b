# SPDX-License-Identifier: Apache-2.0
"""LOG_SOFTMAX against TFLM, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.lower.build import lower_graph, refusals
from edgekit.tflite.golden import TflmGolden
from edgekit.tflite.reader import read_graph
from tests.support.exact import check_bit_exact, host_model, needs_tflm
from tests.support.sanitized import SanitizedModel
from tests.support.tflite_builder import ModelBuilder


def log_softmax(shape: tuple[int, ...], scale: float, out: float = 1 / 16) -> bytes:
    b = ModelBuilder()
    x = b.input(shape, scale=scale, zero_point=5)
    return b.finish([b.op("LOG_SOFTMAX", [x], shape, scale=out, zero_point=127)])


SCALES = [1e-4, 0.003, 0.05, 0.1, 0.25, 0.7, 3.0]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 3, 7), (1, 100), (1, 1000)])
def test_bytes_are_tflms(shape: tuple[int, ...], scale: float) -> None:
    check_bit_exact(log_softmax(shape, scale), 8)


def test_sums_of_every_size_are_tflms() -> None:
    """Rows from one large value to all alike: logarithms of 1 to 200."""
    needs_tflm()
    data = log_softmax((200, 200), 0.06)
    golden, ours = TflmGolden(data), host_model(data)
    x = np.tril(np.full((200, 200), 60, np.int8)) - np.int8(50)
    noise = np.random.default_rng(0).integers(-30, 30, (200, 200)).astype(np.int8)
    for inputs in ([x], [(x + noise).astype(np.int8)]):
        assert np.array_equal(golden.run(inputs)[0], ours.run(inputs)[0])


@pytest.mark.parametrize("scale", [1e-6, 0.02, 8.0])
def test_no_undefined_behaviour(scale: float) -> None:
    graph = read_graph(log_softmax((1, 4095), scale))
    model = SanitizedModel(lower_graph(graph))
    for values in (-128, 127, 0):
        model.run([np.full((1, 4095), values, np.int8)])
    model.run([np.resize(np.array([-128, 127], np.int8), (1, 4095))])


def test_what_it_cannot_run_is_refused() -> None:
    data = log_softmax((1, 4), 0.1, out=0.1)
    assert "1/16" in refusals(read_graph(data))[0]
    assert "more than 4095" in refusals(read_graph(log_softmax((1, 4096), 0.1)))[0]
    assert "out of range" in refusals(read_graph(log_softmax((1, 4), 1e-9)))[0]
