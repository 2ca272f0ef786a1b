# SPDX-License-Identifier: Apache-2.0
"""What quantization costs each layer, as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.artifacts import plain
from edgekit.report.words import render

EXACT_DB = 200.0  # how a record says that there is no error
BEST_DB = 60.0  # a bar of no error at all is as long as this


def quant_page(record: Any) -> str:
    """HTML of a debug_quant record (the object, or its dict)."""
    body = plain(record)
    head = {key: decibels(body[key]) for key in ("output_db", "simulated_db")}
    rows = [_row(row) for row in body["layers"]]
    return render("quant.html.j2", record=body, head=head, rows=rows)


def decibels(value: Any) -> str:
    """ "24.1" for a number of dB, "exact" for no error at all, "-" for None."""
    if value is None:
        return "-"
    return f"{value:.1f}" if value < EXACT_DB else "exact"


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    worth = row["worth_float"]
    introduced, accumulated = row["introduced_db"], row["accumulated_db"]
    return {
        "layer": row["layer"],
        "ops": " ".join(row["ops"]),
        "share": _percent(worth),
        "share_width": min(max(0.0, 100 * (worth or 0.0)), 100.0),
        "introduced": decibels(introduced),
        "introduced_width": _width(introduced),
        "accumulated": decibels(accumulated),
        "accumulated_width": _width(accumulated),
        "error": "-" if row["max_abs_error"] is None else f"{row['max_abs_error']:.3g}",
        "clipped": f"{100 * row['clipped']:.2f} %",
        "range": f"{row['low']:.4g} .. {row['high']:.4g}",
        "reach": f"{row['reach']:.4g}",
        "weights": f"{100 * row['weight_share']:.0f} %",
        "int16": _percent(row["worth_int16"]),
    }


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * max(share, 0.0):.0f} %"


def _width(value: Any) -> float:
    return 0.0 if value is None else 100 * min(max(float(value), 0.0), BEST_DB) / BEST_DB
