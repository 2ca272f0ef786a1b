# SPDX-License-Identifier: Apache-2.0
"""Predicted against counted instructions, worked out by hand."""

from typing import Any

import pytest

from edgekit.measure.prediction import prediction_error


def row(index: int, way: str, predicted: int, counted: int, **more: Any) -> dict[str, Any]:
    named = {"index": index, "op": "CONV_2D", "layer": f"layer{index}", "way": way}
    return named | {"predicted_instructions": predicted, "instructions": counted} | more


ROWS = [
    row(0, "packed", 110, 100, predicted_cycles=150, cycles=100),
    row(1, "packed", 900, 1000, predicted_cycles=950, cycles=1000),
    row(2, "portable", 30, 10, predicted_cycles=40, cycles=10),
    row(3, "none", 0, 5),
]


def test_errors_are_relative_to_what_was_counted() -> None:
    found = prediction_error(ROWS)
    assert found is not None
    assert found.layers == 3
    assert found.median_error == pytest.approx(0.1)
    assert found.total_error == pytest.approx(1040 / 1110 - 1, abs=1e-6)
    assert found.cycles_error == pytest.approx(1140 / 1110 - 1, abs=1e-6)
    assert (found.worst.layer, found.worst.error) == ("layer2", 2.0)
    assert (found.costliest.layer, found.costliest.error) == ("layer1", -0.1)


def test_ways_come_by_their_share() -> None:
    found = prediction_error(ROWS)
    assert found is not None
    assert [(way.way, way.layers) for way in found.ways] == [("packed", 2), ("portable", 1)]
    assert found.ways[0].share == pytest.approx(1100 / 1110, abs=1e-6)
    assert found.ways[0].total_error == pytest.approx(1010 / 1100 - 1, abs=1e-6)


def test_without_a_count_or_a_prediction_there_is_no_error() -> None:
    assert prediction_error([]) is None
    assert prediction_error([{"index": 0, "us": 3.0, "predicted_instructions": 5}]) is None
    assert prediction_error([row(0, "none", 0, 5)]) is None
    found = prediction_error([row(0, "packed", 1, 2)])
    assert found is not None and found.cycles_error is None
