# SPDX-License-Identifier: Apache-2.0
"""`edgekit.fit()`: search for the model that fits a board and loses least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.artifacts import check_writable
from edgekit.boards import Board, load_board
from edgekit.errors import EdgekitError, LimitBroken
from edgekit.progress import SILENT, Progress
from edgekit.verbs._studies import PARTS

if TYPE_CHECKING:
    from edgekit.verbs._trials import Job
    from edgekit.verbs.bench import BenchRecord


@dataclass(frozen=True, slots=True)
class FitLimits:
    """What the model must keep to; bytes are the board's. `latency` is its median in `unit`."""

    flash_bytes: int
    ram_bytes: int
    max_drop: float | None
    max_latency: float | None


@dataclass(frozen=True, slots=True)
class FitRow:
    """One candidate. `trial` is its number in the study, -1 for the model as it came, -2 for the
    one with the fewest channels where not even that fits.

    `foretold` are flash and RAM as they were predicted from the graph, before anything was built.

    `accuracy` is of the int8 model over the scored samples, `drop` what it lost against the
    model as it came; flash and RAM are those of the built firmware in bytes. `latency` is the
    median of a few inferences on the board, None where it was not run; `over` is by how much
    flash, RAM, latency and drop exceed their limits, in parts of the limit (drop: in parts of
    one), 0 or less where they do not. `tuned`: whether it was fine-tuned, which only those are that
    keep to flash and RAM. `pareto`: none is better in accuracy, flash and MACs.
    """

    trial: int
    candidate: dict[str, Any]
    accuracy: float
    drop: float
    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    macs: int
    latency: float | None
    over: tuple[float, ...]
    foretold: dict[str, int]
    tuned: bool
    fits: bool
    pareto: bool


@dataclass(frozen=True, slots=True)
class FitRecord:
    """A search. `best` is the winner, or where `fits` is False the nearest that was reached."""

    name: str
    source: str
    source_sha256: str
    data: str
    board: str
    folder: Path
    model: Path
    page: Path
    study: str
    limits: FitLimits
    fits: bool
    base: FitRow
    best: FitRow
    rows: tuple[FitRow, ...]
    bench: BenchRecord | None
    trials: int
    refused: tuple[str, ...]
    turned_down: int
    scored: int
    seed: int
    fine_tuning: dict[str, Any]
    warnings: tuple[str, ...]


FEWEST = -2  # the number of the candidate with the fewest channels, which is no trial


class DoesNotFit(LimitBroken):
    """No candidate keeps to the limits; `record` holds the whole search."""

    def __init__(self, record: FitRecord) -> None:
        best = record.best
        takes = (
            f"takes {best.flash_bytes:,} bytes of flash, {best.ram_bytes:,} of RAM and loses "
            f"{100 * best.drop:.1f} points"
        )
        if best.trial == FEWEST:
            message = (
                f"'{record.board}' is too small: with an eighth of its channels the model {takes}"
            )
            hint = "give a larger board, or a smaller model"
        else:
            message = f"no candidate of {record.trials} fits '{record.board}': the nearest {takes}"
            hint = "run it again with more --trials, a larger --max-drop or --max-latency"
        super().__init__(message, hint=hint)
        self.record = record


class Stopped(EdgekitError):
    """Ctrl-C; the study holds what was finished."""

    exit_code = 130


def fit(
    model: Any,
    data: Any = None,
    *,
    board: str | Path,
    out: str | Path = "fit",
    max_drop: float | None = None,
    max_latency: float | None = None,
    trials: int = 40,
    time_budget_s: float | None = None,
    study: str = "",
    search: Sequence[str] = ("channels",),
    epochs: int | None = None,
    steps: int | None = None,
    final_steps: int | None = None,
    batch_size: int | None = None,
    learning_rate: float = 1e-3,
    augment: str = "none",
    optimize: str = "balanced",
    samples: int = 200,
    eval_samples: int = 500,
    bench_samples: int = 5,
    seed: int = 0,
    custom: tuple[Any, ...] = (),
    force: bool = False,
    progress: Progress = SILENT,
) -> FitRecord:
    """Search until `trials` candidates are in the study, and write the best to the folder `out`.

    Each candidate loses channels of each coupled group (and with "sparsity" in `search` single
    weights or blocks; with "ranges" it is quantized by one of the ways to find ranges). Flash and
    RAM are foretold from its graph; one that is over by more than a twentieth is turned down and
    does not count. The others are fine-tuned for `epochs` or `steps`, quantized, built, scored,
    and run on the emulated board if `max_latency` (instructions, or microseconds where time is
    measured) is given. The winner is fine-tuned for `final_steps` more, where that is given, and
    always is run.
    `study` is a journal file or a database URL that several processes may share; the same call
    again goes on where it stopped. Raises DoesNotFit, with
    the record, after all is written; EdgekitError or ToolMissing before anything is.
    """
    from edgekit.prune.finetune import Budget
    from edgekit.verbs._fitting import Setting, workshop
    from edgekit.verbs._trials import Job

    out, target = Path(out), load_board(board)
    _check(trials, search)
    _check_start(target, out, force=force)
    limits = _limits(target, max_drop, max_latency)
    budget = Budget(epochs, batch_size, learning_rate, seed, steps)
    setting = Setting(target, budget, optimize, samples, eval_samples, augment)
    shop = workshop(model, data, setting, custom, progress)
    wish = (bench_samples, tuple(search), study, final_steps, progress)
    return _done(Job(shop, limits, board, out, *wish), trials, time_budget_s, force=force)


def _done(job: Job, trials: int, time_budget_s: float | None, *, force: bool) -> FitRecord:
    from edgekit.verbs._finalists import finish
    from edgekit.verbs._trials import run

    record = finish(job, run(job, trials, time_budget_s), force=force)
    if not record.fits:
        raise DoesNotFit(record)
    return record


def _check_start(board: Board, out: Path, *, force: bool) -> None:
    """Whatever would fail only after minutes: packages, tools, the folder."""
    from edgekit.verbs._studies import need_optuna
    from edgekit.verbs.stages import check_tools

    need_optuna()
    check_tools(board)
    check_writable(out, force=force)


def _limits(board: Board, max_drop: float | None, max_latency: float | None) -> FitLimits:
    if max_drop is not None and not 0 <= max_drop < 1:
        raise EdgekitError(
            f"the accuracy may drop by {max_drop:g}, and it is a fraction of one",
            hint="give --max-drop 0.01 for one point",
        )
    if max_latency is not None and max_latency <= 0:
        raise EdgekitError(f"the latency is to be {max_latency:g}", hint="give a number above 0")
    return FitLimits(board.memory.flash_bytes, board.memory.ram_bytes, max_drop, max_latency)


def _check(trials: int, search: Sequence[str]) -> None:
    if trials < 1:
        raise EdgekitError(f"{trials} trials are asked for", hint="give --trials 1 or more")
    unknown = set(search) - set(PARTS)
    if unknown or not search:
        raise EdgekitError(
            f"fit cannot search over '{', '.join(sorted(unknown))}'",
            hint=f"one or more of: {', '.join(PARTS)}",
        )
