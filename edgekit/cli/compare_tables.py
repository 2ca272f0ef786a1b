# SPDX-License-Identifier: Apache-2.0
"""How runs are shown side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.show import heading, percent, short_path

if TYPE_CHECKING:
    from rich.console import Console

    from edgekit.report.comparison import Table

STYLES = {"good": "green", "second": "yellow", "bad": "bold red", "": "dim"}


def show_compare(out: Console, record: dict[str, Any]) -> None:
    """The figures, the layers, what could not be compared, and what is worse than allowed."""
    from rich.markup import escape

    from edgekit.report.comparison import brief_table, figure_table, layer_table

    runs = record["runs"]
    heading(out, f"{runs[0]['name']}: {len(runs)} runs", f"against {runs[0]['label']}")
    show_cells(out, figure_table(record) if len(runs) == 2 else brief_table(record), 1)
    if record["layers"]:
        heading(out, "Layers", record["layer_unit"])
        show_cells(out, layer_table(record), 2)
    show_notes(out, record)
    for text in record["regressions"]:
        out.print(f"  [bold red]worse:[/] {escape(text)}")
    if record["max_regression"] is not None and not record["regressions"]:
        allowed = percent(record["max_regression"])
        out.print(f"  [green]Nothing got worse by more than {allowed}.[/]")
    if record["report"]:
        out.print(f"  [cyan]report[/]  {short_path(record['report'])}  [dim]in a browser[/]")


def show_notes(out: Console, record: dict[str, Any]) -> None:
    """What could not be compared, and what else differs."""
    from rich.markup import escape

    for note in record["notes"]:
        out.print(f"  [yellow]note:[/] {escape(note)}")


def show_cells(out: Console, table: Table, left: int) -> None:
    """A table of cells; the first `left` columns are names."""
    from rich import box
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(box=box.SIMPLE_HEAD, header_style="cyan", pad_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(table.head):
        words = place < left
        widest = max([len(name), *(len(row[place].text) for row in table.rows)])
        drawn.add_column(
            name,
            justify="left" if words else "right",
            overflow="fold",
            no_wrap=not words,
            min_width=min(widest, 12) if words else widest,
        )
    for row in table.rows:
        cells = []
        for each in row:
            text = Text(each.text, style=STYLES[each.tone] if each.tone and not each.change else "")
            if each.change:
                text.append(f"\n{each.change}", style=STYLES[each.tone])
            cells.append(text)
        drawn.add_row(*cells)
    out.print(drawn)
