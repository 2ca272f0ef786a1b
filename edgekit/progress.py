# SPDX-License-Identifier: Apache-2.0
"""How a stage tells how far it is. Stages never print; whoever calls them decides what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Task(Protocol):
    """One bar: `advance(n)` moves it, `note` is short text beside it (accuracy, sparsity)."""

    def advance(self, steps: int = 1, note: str = "") -> None: ...


class Progress(Protocol):
    """Where a stage reports: bars for long loops, `say` for one line about a finished step."""

    def task(self, label: str, total: int) -> AbstractContextManager[Task]: ...

    def say(self, text: str) -> None: ...


class _SilentTask:
    def advance(self, steps: int = 1, note: str = "") -> None:
        pass


class Silent:
    """Reports nothing: the default of every verb."""

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[_SilentTask]:
        yield _SilentTask()

    def say(self, text: str) -> None:
        pass


SILENT = Silent()
