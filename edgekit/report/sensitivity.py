# SPDX-License-Identifier: Apache-2.0
"""The heat map of a sensitivity scan as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.artifacts import plain
from edgekit.report.words import render

FULL_HEAT = {"accuracy": 0.2, "output_change": 1.0}  # loss at which a cell is as red as it gets


def sensitivity_page(record: Any) -> str:
    """HTML of a sensitivity record (the object, or its dict)."""
    body = plain(record)
    return render(
        "sensitivity.html.j2",
        record=body,
        by_accuracy=body["metric"] == "accuracy",
        rows=[_row(layer, body["metric"]) for layer in body["layers"]],
    )


def _row(layer: Mapping[str, Any], metric: str) -> dict[str, Any]:
    return {
        "name": layer["name"],
        "shape": "x".join(str(side) for side in layer["shape"]),
        "weights": f"{layer['weights']:,}",
        "protected": layer["protected"],
        "bears": f"{100 * layer['bears']:.0f} %" if layer["bears"] else "-",
        "cells": [_cell(trial, metric) for trial in layer["trials"]],
    }


def _cell(trial: Mapping[str, Any], metric: str) -> dict[str, Any]:
    change = f"outputs change by {100 * trial['output_change']:.1f} % of their spread"
    if metric == "accuracy":
        heat, text = trial["lost"], f"{100 * trial['lost']:.1f}"
        change = f"accuracy {100 * trial['accuracy']:.1f} %, {change}"
    else:
        heat, text = trial["output_change"], f"{100 * trial['output_change']:.1f}"
    share = min(1.0, max(0.0, heat / FULL_HEAT[metric]))
    return {"text": text.replace("-0.0", "0.0"), "heat": round(share, 3), "title": change}
