# SPDX-License-Identifier: Apache-2.0
"""How the list of boards and the doctor's findings are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.show import heading, kib, table

if TYPE_CHECKING:
    from rich.console import Console


def show_boards(out: Console, boards: list[dict[str, Any]]) -> None:
    rows = [
        (
            board["id"],
            board["core"],
            f"{board['clock_hz'] / 1e6:g} MHz",
            *_memory(board),
            board["tried"],
            board["name"],
        )
        for board in boards
    ]
    table(
        out,
        ("board", "core", "clock", "flash", "RAM", "tried", "name"),
        rows,
        left=("board", "core", "tried", "name"),
        may_shrink=("name",),
        wide_only=("name",),
    )


def _memory(board: dict[str, Any]) -> tuple[str, str]:
    """Flash and RAM; a computer's own are no limit."""
    if board["core"] == "host":
        return "-", "-"
    return kib(board["memory"]["flash_bytes"]), kib(board["memory"]["ram_bytes"])


def show_doctor(out: Console, record: dict[str, Any]) -> None:
    """One line per finding; below it, where something is missing, the line that installs it."""
    from rich.table import Table
    from rich.text import Text

    heading(out, "This machine")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for check in record["checks"]:
        style = "green" if check["ok"] else "red" if check["needed"] else "yellow"
        grid.add_row(
            Text("  ok" if check["ok"] else "  no", style=style), check["name"], check["detail"]
        )
        if not check["ok"] and check["install"]:
            grid.add_row("", "", Text(check["install"], style="bold"))
    out.print(grid)
    out.print()
    out.print(
        "  Everything is there."
        if record["ok"]
        else "  [bold red]Something that edgekit needs is missing.[/]"
    )
