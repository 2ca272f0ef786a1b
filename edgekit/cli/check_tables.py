# SPDX-License-Identifier: Apache-2.0
"""How the checks of a quantized file are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgekit.cli.show import Row, heading

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"passed": "green", "warned": "yellow", "failed": "red", "allowed": "magenta"}


def check_facts(checks: Sequence[dict[str, Any]] | None) -> list[Row]:
    """One row: how many checks passed, and which did not."""
    if not checks:
        return []
    counts = Counter(check["status"] for check in checks)
    names = [check["check"] for check in checks if check["status"] in ("warned", "allowed")]
    words = ", ".join(f"{count} {status}" for status, count in counts.items())
    return [("checks", words, f"see {', '.join(names)}" if names else "")]


def show_checks(out: Console, checks: Sequence[dict[str, Any]]) -> None:
    """A line for each check that ran, with what it found below; those that could not at the end."""
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    heading(out, "Checks")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for check in checks:
        status = check["status"]
        if status == "not run":
            continue
        style = _STYLES.get(status, "")
        grid.add_row(Text(f"  {status}", style=style), check["check"], check["title"])
        for text in check["found"]:
            grid.add_row("", "", Text(text, style=style))
        if check["found"]:
            grid.add_row("", "", Text(check["remedy"], style="bold"))
    out.print(grid)
    idle = [check["check"] for check in checks if check["status"] == "not run"]
    if idle:
        out.print(f"  [dim]Only with data, at a conversion: {escape(', '.join(idle))}[/]")
