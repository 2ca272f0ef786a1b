# SPDX-License-Identifier: Apache-2.0
"""Layers: how each will be run, what it took, and how far off the prediction was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.show import heading, kib, number, percent, table

if TYPE_CHECKING:
    from rich.console import Console


def signed(share: float | None) -> str:
    """A change in percent with its sign; nothing where there is none."""
    return "" if share is None else f"{100 * share:+,.1f} %"


def show_choice(out: Console, rows: list[dict[str, Any]]) -> None:
    """The way that is chosen for each op that the aot runtime would run, and its price."""
    if not rows:
        return
    total = sum(row["predicted_instructions"] for row in rows)
    timed = all(row["predicted_cycles"] is not None for row in rows)
    words = f"{number(total)} instructions"
    if timed:
        words += f", {number(sum(row['predicted_cycles'] for row in rows))} cycles"
    heading(out, "How the aot runtime would run it", f"predicted: {words} an inference")
    table(
        out,
        ("#", "op", "layer", "way", "instructions", "cycles", "constants", "scratch"),
        [
            (
                str(row["origin"][0]),
                row["op"],
                row["layer"],
                row["way"],
                number(row["predicted_instructions"]) if row["predicted_instructions"] else "",
                number(row["predicted_cycles"]) if row["predicted_cycles"] else "",
                kib(row["constant_bytes"]) if row["constant_bytes"] else "",
                kib(row["scratch_bytes"]) if row["scratch_bytes"] else "",
            )
            for row in rows
        ],
        left=("op", "layer", "way"),
        may_shrink=("op", "layer"),
        wide_only=("op",) if timed else ("cycles",),
        narrow_columns=116 if timed else 100_000,
    )


def show_layers(out: Console, record: dict[str, Any]) -> None:
    """What each layer took, the way it was run, and the prediction's error where it is known."""
    rows = record["layers"]
    if not rows:
        return
    unit = record["latency"]["unit"]
    timed, told = "cycles" in rows[0], record.get("prediction")
    chosen = any(row.get("way") for row in rows)
    columns = ["#", "op", "layer", *(["way"] if chosen else []), "MACs", unit, "share"]
    columns += [*(["cycles, est."] if timed else []), *(["pred. error"] if told else [])]
    table(
        out,
        columns,
        [
            (
                str(row["index"]),
                row["op"],
                row["layer"],
                *([row.get("way", "")] if chosen else []),
                number(row["macs_run"]) if row["macs_run"] else "",
                number(row[unit]),
                percent(row["share"]),
                *([number(row["cycles"])] if timed else []),
                *([signed(row.get("prediction_error"))] if told else []),
            )
            for row in rows
        ],
        left=("op", "layer", "way"),
        may_shrink=("op", "layer", "way"),
        wide_only=("op",) if chosen else (),
        narrow_columns=116,
    )
    if told:
        worst, median = told["worst"], percent(told["median_error"])
        out.print(
            f"  [cyan]predicted[/]  {signed(told['total_error'])} in sum, {median} for the median"
            f" layer, worst {signed(worst['error'])} ({worst['op']}, {worst['way']})"
        )
