# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM against TFLM, byte for byte, and what is refused of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.lower.build import lower_graph, refusals
from edgekit.tflite.golden import TflmGolden
from edgekit.tflite.reader import read_graph
from tests.support.exact import check_bit_exact, needs_tflm, random_inputs
from tests.support.lstm_models import lstm_file
from tests.support.sanitized import SanitizedModel

CASES: list[dict[str, Any]] = [
    {},
    {"units": 1, "inputs": 1, "steps": 1},
    {"units": 13, "inputs": 7, "steps": 9, "seed": 3},
    {"batches": 3, "steps": 4},
    {"cell_power": -9, "clip": 10.0},
    {"cell_power": -12, "clip": 0.0},
    {"cell_power": -15, "clip": 0.5, "seed": 5},
    {"weight_scale": 0.2, "seed": 6},
    {"in_scale": 2.0, "in_zero": 127, "out_zero": -128, "seed": 7},
    {"bias": 1 << 22, "seed": 8},
]


@pytest.mark.parametrize("options", CASES)
def test_bytes_are_tflms(options: dict[str, Any]) -> None:
    needs_tflm()
    check_bit_exact(lstm_file(**options), 12)


def test_every_inference_begins_anew() -> None:
    needs_tflm()
    data = lstm_file(steps=3, seed=2)
    golden = TflmGolden(data)
    inputs = list(random_inputs(golden.graph, 4))
    first = [golden.run(x)[0] for x in inputs]
    assert all(np.array_equal(golden.run(x)[0], y) for x, y in zip(inputs, first, strict=True))


def test_no_undefined_behaviour_at_the_ends() -> None:
    graph = read_graph(lstm_file(in_scale=4.0, weight_scale=1.0, cell_power=-15, bias=1 << 28))
    model = SanitizedModel(lower_graph(graph))
    for inputs in random_inputs(graph, 6):
        model.run(inputs)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"cell_scale": 0.0003}, "power of two"),
        ({"activation": 1}, "not tanh"),
        ({"peephole": True}, "peepholes"),
        ({"state_scale": 0.5}, "differ in scale"),
        ({"batches": 2, "time_major": True}, "inside its steps"),
        ({"cell_dtype": "int8"}, "not int16"),
        ({"bias": (1 << 31) - 1, "in_zero": 127}, "do not fit 32 bits"),
    ],
)
def test_what_it_cannot_run_is_refused(options: dict[str, Any], reason: str) -> None:
    assert reason in refusals(read_graph(lstm_file(**options)))[0]


def test_macs_count_both_products_of_four_gates() -> None:
    from edgekit.lower.build import macs

    graph = read_graph(lstm_file(units=5, inputs=3, steps=7))
    assert macs(graph.ops[0], graph) == 7 * 5 * 4 * (3 + 5)
