# SPDX-License-Identifier: Apache-2.0
"""What the templates say of an input that arrives by rows."""

from __future__ import annotations

from typing import Any

from edgekit.lower.program import Program, RowStream


def row_facts(program: Program) -> dict[str, Any] | None:
    """Sizes in bytes, and where the held rows lie; None for an input that is there as a whole."""
    rows = program.rows
    if rows is None:
        return None
    kept = max(rows.reach - rows.stride, 0)
    return {
        "offset": program.plan.offsets[rows.source.index],
        "count": rows.source.shape[1],
        "row_bytes": rows.row_bytes,
        "reach": rows.reach,
        "window_bytes": rows.reach * rows.row_bytes,
        "kept_bytes": kept * rows.row_bytes,
        "skipped_bytes": max(rows.stride - rows.reach, 0) * rows.row_bytes,
        "top_bytes": rows.pad_top * rows.row_bytes,
        "bottom_bytes": rows.pad_bottom * rows.row_bytes,
        "out_rows": rows.out_rows,
        "zero_point": rows.source.q.zero_point,
    }


def row_output(output: str, rows: RowStream) -> str:
    """C of where the next row of `output` goes."""
    return f"{output} + rows.made * {rows.out_row_bytes}u"
