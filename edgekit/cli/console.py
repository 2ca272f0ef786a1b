# SPDX-License-Identifier: Apache-2.0
"""What a person sees: everything goes to stderr, so that stdout holds JSON and nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

DEFAULT_COLUMNS = 100


def console() -> Console:
    """A console on stderr; rich honours NO_COLOR and knows whether it is a terminal."""
    from rich.console import Console

    plain_width = None if sys.stderr.isatty() else DEFAULT_COLUMNS
    return Console(stderr=True, highlight=False, width=plain_width)


class _Bar:
    """One bar of a rich display."""

    def __init__(self, display: RichProgress, task: TaskID) -> None:
        self._display = display
        self._task = task

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._display.advance(self._task, steps)
        if note:
            self._display.update(self._task, note=note)


class _NoBar:
    def advance(self, steps: int = 1, note: str = "") -> None:
        pass


class ConsoleProgress:
    """Bars on a terminal; off a terminal only the lines of finished steps."""

    def __init__(self, out: Console, *, quiet: bool = False) -> None:
        self._out = out
        self._quiet = quiet

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[_Bar | _NoBar]:
        if self._quiet or not self._out.is_terminal:
            yield _NoBar()
            return
        with _display(self._out) as display:
            yield _Bar(display, display.add_task(label, total=total, note=""))

    def say(self, text: str) -> None:
        if not self._quiet:
            self._out.print(f"[dim]{_escaped(text)}[/dim]")


def _display(out: Console) -> RichProgress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("  {task.description:<25}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
        console=out,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def show_error(message: str, hint: str = "") -> None:
    """One line for what is wrong, what a tool said below it, one line for what to do."""
    out = console()
    first, *rest = message.splitlines() or [""]
    out.print(f"[bold red]error:[/] {_escaped(first)}", soft_wrap=True)
    for line in rest:
        out.print(f"[dim]  {_escaped(line)}[/]", soft_wrap=True)
    if hint:
        out.print(f"[bold cyan]hint:[/]  {_escaped(' '.join(hint.split()))}", soft_wrap=True)


def deliver(
    run: Callable[[ConsoleProgress], Any],
    show: Callable[[Console, Any], None],
    *,
    as_json: bool,
) -> None:
    """Runs a verb and shows its record: a table on stderr, or with `as_json` JSON on stdout.

    A record that comes with an error (outputs differ) is shown before the error is raised.
    """
    out = console()
    try:
        record = run(ConsoleProgress(out, quiet=as_json))
    except EdgekitError as error:
        if (record := getattr(error, "record", None)) is not None:
            _present(record, show, out, as_json)
        raise
    _present(record, show, out, as_json)


def _present(
    record: Any,
    show: Callable[[Console, Any], None],
    out: Console,
    as_json: bool,
) -> None:
    from edgekit.artifacts import plain

    body = plain(record)
    if as_json:
        sys.stdout.write(json.dumps(body, indent=1) + "\n")
        sys.stdout.flush()
    else:
        show(out, body)
