# SPDX-License-Identifier: Apache-2.0
"""How debug-quant's findings are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.show import Row, facts, heading, percent, short_path, show_warnings, table

if TYPE_CHECKING:
    from rich.console import Console

EXACT_DB = 200.0


def show_debug_quant(out: Console, record: dict[str, Any]) -> None:
    heading(out, "Where the accuracy went", record["source"])
    how = record["tflite"] or f"--calibration {record['calibration']}"
    rows: list[Row] = [
        ("quantized", how, f"{record['samples']} samples of {record['data']}"),
        ("outputs", f"{_db(record['output_db'])} dB", "signal over quantization noise"),
    ]
    if record["agreement"] is not None:
        rows.append(("same class", percent(record["agreement"]), "int8 as float"))
    rows.append(("page", short_path(record["report"]), ""))
    facts(out, rows)
    table(
        out,
        ("layer", "loss", "as int16", "introduced", "accumulated", "largest error", "clipped"),
        [_cells(row) for row in record["layers"]],
        left=("layer",),
        may_shrink=("layer",),
        wide_only=("largest error",),
    )
    _verdicts(out, record)
    show_warnings(out, record)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    error = row["max_abs_error"]
    return (
        row["layer"],
        _share(row["worth_float"]),
        _share(row["worth_int16"]),
        f"{_db(row['introduced_db'])} dB",
        f"{_db(row['accumulated_db'])} dB",
        "-" if error is None else f"{error:.3g}",
        percent(row["clipped"]),
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * max(value, 0.0):.0f} %"


def _db(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if value < EXACT_DB else "exact"


def _verdicts(out: Console, record: dict[str, Any]) -> None:
    from rich.text import Text

    out.print()
    for finding in record["findings"]:
        out.print(Text(f"  {finding}", style="bold red"))
    for verdict in record["verdicts"]:
        line = Text(f"  {verdict['layer']}: {100 * verdict['share']:.0f} % of the loss", "bold")
        line.append(f", {verdict['cause']}; try {verdict['advice']}", style="not bold")
        out.print(line)
    if not record["verdicts"] and not record["findings"]:
        out.print("  No layer costs anything that can be measured.")
    elif not record["verdicts"]:
        out.print("  No single layer is to blame: none of them alone in float makes it better.")
