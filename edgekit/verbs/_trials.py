# SPDX-License-Identifier: Apache-2.0
"""The way of `fit` through its trials: each made, measured, and remembered in the study."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.progress import Progress, Task
from edgekit.verbs import _studies
from edgekit.verbs._fitting import Candidate, Sizes, Workshop
from edgekit.verbs._foretell import MARGIN, MOST, Foretold, as_firmware, foretell, tightest
from edgekit.verbs.bench import BenchRecord
from edgekit.verbs.fit import FEWEST, FitLimits, Stopped

ROWS = 3  # of the form that rows of trials have: a study with other rows is not gone on with


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One call of `fit`, checked."""

    shop: Workshop
    limits: FitLimits
    board: str | Path
    out: Path
    bench_samples: int
    search: tuple[str, ...]
    study: str
    final_steps: int | None
    progress: Progress

    @property
    def name(self) -> str:
        from edgekit.emit.names import c_identifier

        source = self.shop.loaded.source
        return c_identifier(source.stem if source else self.shop.loaded.name)

    @property
    def cache(self) -> Path:
        """Models of trials; one that is gone is made again."""
        return self.out.with_name(f"{self.out.name}.trials")

    @property
    def journal(self) -> Path:
        return self.out.with_name(f"{self.out.name}.study")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search gave: the model as it came, and (number, candidate, row) of the trials.

    `turned_down` counts candidates that were foretold to be over the limits, and not built.
    """

    base: dict[str, Any]
    trials: list[tuple[int, Candidate, dict[str, Any]]]
    refused: list[str]
    finished: int
    turned_down: int = 0


def run(job: Job, trials: int, time_budget_s: float | None) -> Found:
    """Search; what an earlier call or another process finished counts. Stopped at Ctrl-C."""
    space = _studies.Space(job.search, job.shop.groups())
    seed = job.shop.setting.budget.seed
    study = _studies.open_study(job.study, job.journal, _identity(job), seed)
    base = _base(job, study)
    first = _first(job, study, base, space)
    if not first:
        return Found(base, _nearest(job, base, [_most_removed(space)]), [], 0)
    _studies.enqueue(study, first)
    done = _studies.finished(study)
    if done:
        job.progress.say(f"going on after {done} trials")
    try:
        with job.progress.task("trials", max(trials - done, 0)) as task:
            _studies.search(
                study,
                space,
                lambda number, candidate: _evaluate(job, base, number, candidate, task),
                trials=trials,
                time_budget_s=time_budget_s,
            )
    except KeyboardInterrupt:
        raise Stopped(
            f"interrupted after {_studies.finished(study)} trials",
            hint="run the same command again to go on from there",
        ) from None
    found = _studies.rows(study)
    down = _studies.turned_down(study)
    if not any(max(row["over"]) <= 0 for _, _, row in [*found, (-1, None, base)]):
        found += _nearest(job, base, down)
    refused = _studies.refused(study)
    return Found(base, found, refused, _studies.finished(study), len(down))


def _base(job: Job, study: Any) -> dict[str, Any]:
    """The row of the model as it came, measured once in a study."""
    base: dict[str, Any] | None = study.user_attrs.get("base")
    if base is None:
        job.progress.say("measuring the model as it is")
        sizes, _ = job.shop.measure(job.shop.thin(Candidate()))
        base = _row(job, sizes, sizes.accuracy) | {"tuned": False}
        study.set_user_attr("base", base)
    return base


def _first(
    job: Job, study: Any, base: dict[str, Any], space: _studies.Space
) -> list[dict[str, Any]]:
    """The points to begin with: the one that keeps most channels, as far as can be foretold.

    [] where not even the least number of channels fits.
    """
    uniform: list[dict[str, Any]] = [space.uniform(share) for share in _studies.FIRST]
    if "channels" not in job.search or max(base["over"][:2]) <= 0:
        return uniform
    tight = study.user_attrs.get("tight")
    if tight is None:
        with job.progress.task("what has to go at least", 0) as task:

            def fits(shares: dict[str, float]) -> bool:
                over, _ = _foretold(job, base, Candidate(channels=shares))
                task.advance(1)
                return max(over) <= 0

            worth = {name: float(v.sum()) for name, v in job.shop.worths("taylor").items()}
            tight = tightest(fits, space.groups, worth)
        study.set_user_attr("tight", tight)
    return [space.point(tight), *uniform] if tight else []


def _most_removed(space: _studies.Space) -> tuple[int, Candidate, list[float]]:
    """The candidate with the fewest channels, which is no trial of the study."""
    return FEWEST, Candidate(channels=dict.fromkeys(space.groups, MOST)), [0.0]


def _foretold(job: Job, base: dict[str, Any], candidate: Candidate) -> tuple[list[float], Foretold]:
    """By how much flash and RAM will exceed their limits, in parts of them."""
    setting = job.shop.setting
    model = job.shop.thin(candidate)
    found = foretell(model, setting.board, setting.optimize, setting.budget.seed)
    flash_bytes, ram_bytes = as_firmware(found, base)
    limits = job.limits
    return [flash_bytes / limits.flash_bytes - 1, ram_bytes / limits.ram_bytes - 1], found


def _nearest(
    job: Job, base: dict[str, Any], down: list[tuple[int, Candidate, list[float]]]
) -> list[tuple[int, Candidate, dict[str, Any]]]:
    """The one turned down that is least over the limits, measured after all."""
    if not down:
        return []
    number, candidate, _ = min(down, key=lambda each: sum(max(0.0, v) for v in each[2]))
    model = job.shop.thin(candidate)
    sizes, _ = job.shop.measure(model, candidate.calibration)
    return [(number, candidate, _row(job, sizes, base["accuracy"], base=base) | {"tuned": False})]


def _identity(job: Job) -> str:
    """Of all that decides what a trial measures."""
    from edgekit.verbs._pruned_files import data_digest

    shop = job.shop
    parts = [
        ROWS,
        shop.loaded.sha256,
        data_digest(shop.dataset),
        dataclasses.asdict(shop.setting.board.memory),
        shop.setting.board.core,
        dataclasses.asdict(shop.setting.budget),
        [
            shop.setting.optimize,
            shop.setting.samples,
            len(shop.scored),
            shop.setting.augment,
            job.search,
        ],
        dataclasses.asdict(job.limits),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _evaluate(
    job: Job, base: dict[str, Any], number: int, candidate: Candidate, task: Task
) -> dict[str, Any]:
    """The row of a candidate; TurnedDown for one that will not keep to flash and RAM."""
    from edgekit.verbs._pruned_files import save_model

    try:
        over, found = _foretold(job, base, candidate)
        if max(over) > MARGIN:
            task.advance(0, "turned down: too large")
            flash_bytes, _ = as_firmware(found, base)
            raise _studies.TurnedDown([*over, 0.0, 0.0], flash_bytes, found.macs)
        model = job.shop.thin(candidate)
        job.shop.tune(model, candidate)
        sizes, tflite = job.shop.measure(model, candidate.calibration)
        latency = None
        if job.limits.max_latency is not None and sizes_fit(job, sizes):
            latency = _latency(job, tflite)
        row = _row(job, sizes, base["accuracy"], latency, base=base) | {"tuned": True}
        save_model(model, cached(job, number))
    except EdgekitError:
        task.advance(1, "not possible")
        raise
    note = f"{100 * sizes.accuracy:.1f} %, {sizes.flash_bytes / 1024:.0f} KiB of flash"
    task.advance(1, note)
    return row


def sizes_fit(job: Job, sizes: Sizes) -> bool:
    limits = job.limits
    return sizes.flash_bytes <= limits.flash_bytes and sizes.ram_bytes <= limits.ram_bytes


def cached(job: Job, number: int) -> Path:
    return job.cache / f"trial-{number}.keras"


def _row(
    job: Job,
    sizes: Sizes,
    base_accuracy: float,
    latency: float | None = None,
    *,
    base: dict[str, Any] | None = None,
) -> dict[str, Any]:
    limits, drop = job.limits, base_accuracy - sizes.accuracy
    slow = 0.0
    if limits.max_latency is not None and latency is not None:
        slow = latency / limits.max_latency - 1
    over = [
        sizes.flash_bytes / limits.flash_bytes - 1,
        sizes.ram_bytes / limits.ram_bytes - 1,
        slow,
        drop - limits.max_drop if limits.max_drop is not None else 0.0,
    ]
    counted = {key: getattr(sizes, key) for key in ("constant_bytes", "arena_bytes", "macs")}
    row = {**dataclasses.asdict(sizes), "drop": drop, "latency": latency, "over": over}
    del row["constant_bytes"]
    first = base or row | {"foretold": counted}
    flash_bytes, ram_bytes = as_firmware(Foretold(**counted), first)
    return row | {"foretold": counted | {"flash_bytes": flash_bytes, "ram_bytes": ram_bytes}}


def _latency(job: Job, tflite: bytes) -> float:
    with tempfile.TemporaryDirectory(prefix="edgekit-fit-") as name:
        return float(on_board(job, tflite, Path(name) / "fw").latency.median)


def on_board(job: Job, tflite: bytes, folder: Path) -> BenchRecord:
    """Build with the board's own limits and run a few samples; OutputsDiffer, LimitBroken."""
    from edgekit.verbs.bench import bench
    from edgekit.verbs.build import build
    from edgekit.verbs.firmware import firmware

    folder.parent.mkdir(parents=True, exist_ok=True)
    source = folder.with_name(f"{job.name}.tflite")
    source.write_bytes(tflite)
    firmware(source, board=job.board, out=folder, optimize=job.shop.setting.optimize, name=job.name)
    build(folder)
    return bench(
        folder,
        job.shop.data,
        eval_samples=job.bench_samples,
        seed=job.shop.setting.budget.seed,
        calibrated=job.shop.setting.samples,
        profile=False,
    )
