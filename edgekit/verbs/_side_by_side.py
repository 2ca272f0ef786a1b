# SPDX-License-Identifier: Apache-2.0
"""Several boards at once: each on its own, none taking another down."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import EdgekitError
from edgekit.progress import Progress, Task

if TYPE_CHECKING:
    from edgekit.verbs.bench import BenchRecord

INTERNAL = 2  # exit code of a mistake of edgekit's own


@dataclass(frozen=True, slots=True)
class BoardRun:
    """What became of one board.

    `status` is "done", "differs" (it ran, outputs are not the golden ones), "failed", or "left
    out" (the model cannot be built for it). `error`, `hint` and `exit_code` are those of the
    command that would have run it alone; `bench` is None where nothing was measured.
    """

    label: str
    board: str
    port: str
    folder: Path
    status: str
    exit_code: int
    error: str
    hint: str
    bench: BenchRecord | None


class LeftOut(Exception):
    """The model cannot be built for a board that was not asked for by name."""

    def __init__(self, reason: EdgekitError) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Job:
    """One board to run. `alone` ones measure this computer's time and run when all others are
    done, one after the other."""

    label: str
    board: str
    port: str
    folder: Path
    run: Callable[[Progress], BenchRecord]
    alone: bool = False


class _Stopped(Exception):
    """Somebody pressed Ctrl-C."""


class _Watched:
    """Tells what a job says under its name, and ends it at its next step once `stop` is set."""

    def __init__(self, progress: Progress, label: str, stop: threading.Event) -> None:
        self._progress, self._label, self._stop = progress, label, stop

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Task]:
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        if self._stop.is_set():
            raise _Stopped

    def say(self, text: str) -> None:
        self.advance()
        self._progress.say(f"{self._label}: {text}")


def run_side_by_side(jobs: Sequence[Job], progress: Progress) -> tuple[BoardRun, ...]:
    """Runs every job, as many at a time as there are processors; whatever a job raises is its own
    outcome."""
    stop = threading.Event()
    done: dict[int, BoardRun] = {}
    crowd = [place for place, job in enumerate(jobs) if not job.alone]
    with progress.task("boards", len(jobs)) as bar:
        if crowd:
            for place, outcome in _crowd(jobs, crowd, progress, stop):
                done[place] = outcome
                bar.advance(1, outcome.label)
        for place, job in enumerate(jobs):
            if job.alone:
                done[place] = _outcome(job, progress, stop)
                bar.advance(1, job.label)
    return tuple(done[place] for place in range(len(jobs)))


def _crowd(
    jobs: Sequence[Job], places: Sequence[int], progress: Progress, stop: threading.Event
) -> Iterator[tuple[int, BoardRun]]:
    workers = min(len(places), os.cpu_count() or 1)
    with ThreadPoolExecutor(workers, thread_name_prefix="board") as pool:
        futures: dict[Future[BoardRun], int] = {
            pool.submit(_outcome, jobs[place], progress, stop): place for place in places
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _outcome(job: Job, progress: Progress, stop: threading.Event) -> BoardRun:
    status, code, error, hint, bench = "done", 0, "", "", None
    try:
        bench = job.run(_Watched(progress, job.label, stop))
    except LeftOut as left:
        status, error, hint = "left out", str(left), left.reason.hint
    except EdgekitError as failure:
        bench = getattr(failure, "record", None)
        status = "differs" if bench is not None else "failed"
        code, error, hint = failure.exit_code, str(failure), failure.hint
    except _Stopped:
        raise
    except Exception as mistake:  # one board's trouble stays its own
        status, code = "failed", INTERNAL
        error = f"edgekit failed unexpectedly: {type(mistake).__name__}: {mistake}"
        hint = f"run this board alone with --debug: {job.label}"
    first_line = error.partition("\n")[0]
    return BoardRun(
        job.label, job.board, job.port, job.folder, status, code, first_line, hint, bench
    )
