# SPDX-License-Identifier: Apache-2.0
"""How several boards that ran side by side are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.compare_tables import show_cells, show_notes
from edgekit.cli.show import facts, heading, short_path

if TYPE_CHECKING:
    from rich.console import Console


def show_boards_run(out: Console, record: dict[str, Any]) -> None:
    """The comparison of the boards that ran, and a word on each that did not."""
    from edgekit.report.comparison import brief_table

    runs = record["runs"]
    ran = [run for run in runs if run["bench"] is not None]
    heading(out, f"{len(ran)} of {len(runs)} boards ran", short_path(record["folder"]))
    if record["compared"]:
        show_cells(out, brief_table(record["compared"]), 1)
        show_notes(out, record["compared"])
    for run in runs:
        _show_trouble(out, run)
    if record["report"]:
        facts(out, [("report", short_path(record["report"]), "in a browser")])


def _show_trouble(out: Console, run: dict[str, Any]) -> None:
    from rich.markup import escape

    if run["status"] == "done":
        return
    style = "yellow" if run["status"] == "left out" else "bold red"
    out.print(f"  [{style}]{escape(run['label'])}, {run['status']}:[/] {escape(run['error'])}")
    if run["exit_code"]:
        out.print(f"  [dim]  {escape(run['hint'])}[/]")
