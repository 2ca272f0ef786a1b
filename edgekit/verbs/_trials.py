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
from edgekit.verbs.bench import BenchRecord
from edgekit.verbs.fit import FitLimits, Stopped


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
    """What a search gave: the model as it came, and (number, candidate, row) of the trials."""

    base: dict[str, Any]
    trials: list[tuple[int, Candidate, dict[str, Any]]]
    refused: list[str]
    finished: int


def run(job: Job, trials: int, time_budget_s: float | None) -> Found:
    """Search; what an earlier call or another process finished counts. Stopped at Ctrl-C."""
    space = _studies.Space(job.search, job.shop.groups())
    study = _studies.open_study(
        job.study, job.journal, _identity(job), job.shop.setting.budget.seed, space
    )
    base = study.user_attrs.get("base")
    if base is None:
        job.progress.say("measuring the model as it is")
        sizes, _ = job.shop.measure(job.shop.thin(Candidate()))
        base = _row(job, sizes, sizes.accuracy) | {"tuned": False}
        study.set_user_attr("base", base)
    done = _studies.finished(study)
    if done:
        job.progress.say(f"going on after {done} trials")
    try:
        with job.progress.task("trials", max(trials - done, 0)) as task:
            _studies.search(
                study,
                space,
                lambda number, candidate: _evaluate(job, base["accuracy"], number, candidate, task),
                trials=trials,
                time_budget_s=time_budget_s,
            )
    except KeyboardInterrupt:
        raise Stopped(
            f"interrupted after {_studies.finished(study)} trials",
            hint="run the same command again to go on from there",
        ) from None
    found = _studies.rows(study)
    return Found(base, found, _studies.refused(study), _studies.finished(study))


def _identity(job: Job) -> str:
    """Of all that decides what a trial measures."""
    from edgekit.verbs._pruned_files import data_digest

    shop = job.shop
    parts = [
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
    job: Job, base_accuracy: float, number: int, candidate: Candidate, task: Task
) -> dict[str, Any]:
    from edgekit.verbs._pruned_files import save_model

    try:
        model = job.shop.thin(candidate)
        sizes, tflite = job.shop.measure(model)
        row = _row(job, sizes, base_accuracy) | {"tuned": False}
        if max(row["over"][:2]) <= 0:
            job.shop.tune(model, candidate)
            sizes, tflite = job.shop.measure(model)
            latency = _latency(job, tflite) if job.limits.max_latency is not None else None
            row = _row(job, sizes, base_accuracy, latency) | {"tuned": True}
        save_model(model, cached(job, number))
    except EdgekitError:
        task.advance(1, "not possible")
        raise
    note = f"{100 * sizes.accuracy:.1f} %, {sizes.flash_bytes / 1024:.0f} KiB of flash"
    task.advance(1, note)
    return row


def cached(job: Job, number: int) -> Path:
    return job.cache / f"trial-{number}.keras"


def _row(
    job: Job, sizes: Sizes, base_accuracy: float, latency: float | None = None
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
    return {**dataclasses.asdict(sizes), "drop": drop, "latency": latency, "over": over}


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
