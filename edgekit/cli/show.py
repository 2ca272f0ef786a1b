# SPDX-License-Identifier: Apache-2.0
"""Numbers and tables as a person reads them; all tables of the command line look like these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def kib(count: float | None) -> str:
    """Bytes as KiB with one decimal (none where it is even), small ones as bytes."""
    if count is None:
        return "-"
    if count < 1024:
        return f"{count:,.0f} B"
    return f"{count / 1024:,.{0 if count % 1024 == 0 else 1}f} KiB"


def number(value: float | None) -> str:
    """Whole numbers with separators, others to three digits."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:,.3g}"


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def short_path(path: Any) -> str:
    """A path relative to the current folder where that is shorter."""
    if not path:
        return "-"
    full = Path(str(path))
    try:
        relative = full.relative_to(Path.cwd())
    except ValueError:
        return str(full)
    return str(relative) if str(relative) != "." else str(full)


def shape(sides: Sequence[int]) -> str:
    return "x".join(str(side) for side in sides) or "scalar"


def several(shapes: Iterable[Sequence[int]]) -> str:
    """Shapes side by side, equal neighbours counted."""
    texts = [shape(sides) for sides in shapes]
    if len(texts) > 1 and len(set(texts)) == 1:
        return f"{len(texts)} of {texts[0]}"
    return ", ".join(texts) or "-"


def heading(out: Console, text: str, note: str = "") -> None:
    from rich.markup import escape

    out.print()
    out.print(f"[bold]{escape(text)}[/]" + (f"  [dim]{escape(note)}[/]" if note else ""))


Row = tuple[str, str, str]


def facts(out: Console, rows: Iterable[Row]) -> None:
    """Lines of a label, a value and a dim remark."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value, remark in rows:
        text = Text(value)
        if remark:
            text.append(f"  {remark}" if value else remark, style="dim")
        grid.add_row(f"  {label}", text)
    out.print(grid)


def table(
    out: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    left: Iterable[str] = (),
    may_shrink: Iterable[str] = (),
    wide_only: Iterable[str] = (),
    narrow_columns: int = 100,
) -> None:
    """A plain table: text columns in `left`, numbers to the right.

    Only the columns `may_shrink` are cut where room is short, and those `wide_only` are left out
    on a terminal narrower than `narrow_columns`: a number is never shown in part.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    hidden = set(wide_only) if out.width < narrow_columns else set()
    shown = [i for i, name in enumerate(columns) if name not in hidden]
    cells = [[row[i] for i in shown] for row in rows]
    drawn = Table(box=box.SIMPLE_HEAD, header_style="cyan", pad_edge=False, padding=(0, 1, 0, 0))
    text, soft = set(left), set(may_shrink)
    for place, i in enumerate(shown):
        widest = max([len(columns[i]), *(len(row[place]) for row in cells)])
        drawn.add_column(
            columns[i],
            justify="left" if columns[i] in text else "right",
            no_wrap=True,
            overflow="ellipsis",
            min_width=min(widest, 8) if columns[i] in soft else widest,
        )
    for row in cells:
        drawn.add_row(*map(escape, row))
    _fit_width(out, drawn, [columns[i] in soft for i in shown])
    out.print(drawn)


def _fit_width(out: Console, drawn: Table, soft: Sequence[bool]) -> None:
    """Take what is too wide from the widest of the columns that may shrink: rich would take it
    from all of them, and cut numbers."""
    from rich.measure import Measurement

    roomy = out.options.update(width=10_000)
    excess = Measurement.get(out, roomy, drawn).maximum - out.width
    columns = [column for column, each in zip(drawn.columns, soft, strict=True) if each]
    widths = [max(map(len, map(str, column.cells)), default=0) for column in columns]
    while excess > 0 and any(width > 8 for width in widths):
        widest = widths.index(max(widths))
        widths[widest] -= 1
        columns[widest].max_width = widths[widest]
        excess -= 1


def show_warnings(out: Console, record: dict[str, Any]) -> None:
    """What the record warns of, one line each."""
    from rich.markup import escape

    for warning in record.get("warnings", ()):
        out.print(f"  [yellow]warning:[/] {escape(str(warning))}")
