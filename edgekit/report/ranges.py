# SPDX-License-Identifier: Apache-2.0
"""Tensors of a conversion for a page: what each held, its range, and what int8 made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def range_rows(convert: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Rows of all tensors in `statistics`; `bars` are heights of the distribution, 0 to 100."""
    return [
        {
            **row,
            "values": f"{row['min']:.4g} … {row['max']:.4g}",
            "range": f"{row['low']:.4g} … {row['high']:.4g}",
            "bars": _heights(row["histogram"]),
            "sqnr": f"{row['sqnr_db']:.1f}" if row["sqnr_db"] is not None else "",
        }
        for row in (convert or {}).get("statistics", ())
    ]


def _heights(counts: list[int]) -> list[float]:
    """Square roots, so that a tail of few values can still be seen beside the zeros of a ReLU."""
    roots = [float(count) ** 0.5 for count in counts]
    most = max(roots, default=0.0) or 1.0
    return [round(100 * root / most, 1) for root in roots]
