# SPDX-License-Identifier: Apache-2.0
"""The end of `fit`: the Pareto front, the winner on the board, and what is written."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit.artifacts import hash_tree, staged_folder, write_record
from edgekit.errors import LimitBroken
from edgekit.verbs._fitting import Candidate, Workshop
from edgekit.verbs._trials import Found, Job, cached, on_board
from edgekit.verbs.bench import BenchRecord
from edgekit.verbs.fit import FitRecord, FitRow

CONFIRMED = 3  # candidates that are built and run at most, best first, until one holds


def finish(job: Job, found: Found, *, force: bool) -> FitRecord:
    """The best candidate on the board, the record, the page; nothing half-written."""
    base = _fit_row(-1, Candidate(), found.base, pareto=False)
    front = _front([row for _, _, row in found.trials])
    rows = [
        _fit_row(number, candidate, row, pareto=row in front)
        for number, candidate, row in found.trials
    ]
    order = sorted([base, *rows], key=_preference)
    with tempfile.TemporaryDirectory(prefix="edgekit-fit-") as name:
        best, measured, warnings = _confirm(job, order, Path(name))
        record = _record(job, found, base, best, rows, measured, warnings)
        _write(job, record, Path(name), force=force)
    for row in rows:
        if not row.pareto and row.trial != best.trial:
            cached(job, row.trial).unlink(missing_ok=True)
    return record


def _preference(row: FitRow) -> tuple[bool, float, float]:
    """Those that fit by what they lose, then by flash; the others by how far they are off."""
    if row.fits:
        return False, row.drop, row.flash_bytes
    return True, sum(max(0.0, value) for value in row.over), row.drop


def _front(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that no other is at least as good as everywhere and better somewhere."""
    axes = ("drop", "flash_bytes", "macs")

    def beats(one: dict[str, Any], other: dict[str, Any]) -> bool:
        pairs = [(one[axis], other[axis]) for axis in axes]
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    return [row for row in rows if not any(beats(other, row) for other in rows)]


def _fit_row(number: int, candidate: Candidate, row: dict[str, Any], *, pareto: bool) -> FitRow:
    values = {key: value for key, value in row.items() if key != "over"}
    return FitRow(
        trial=number,
        candidate=dataclasses.asdict(candidate),
        **values,
        over=tuple(row["over"]),
        fits=max(row["over"]) <= 0,
        pareto=pareto,
    )


def _confirm(
    job: Job, order: Sequence[FitRow], folder: Path
) -> tuple[FitRow, BenchRecord | None, list[str]]:
    """The first that holds on the board; where none fits, the nearest, which is not run."""
    warnings = []
    for row in [row for row in order if _may_win(job, row)][:CONFIRMED]:
        job.progress.say(f"trial {row.trial} on {job.shop.setting.board.id}")
        model, tflite = _again(job, row)
        if job.final_steps:
            row, tflite = _longer(job, row, model)
            if not row.fits:
                lost = f"loses {100 * row.drop:.1f} points after {job.final_steps} more steps"
                warnings.append(f"trial {row.trial} {lost}")
                continue
        shutil.rmtree(folder / "fw", ignore_errors=True)
        try:
            measured = on_board(job, tflite, folder / "fw")
        except LimitBroken as error:
            warnings.append(f"trial {row.trial} does not hold on the board: {error}")
            continue
        row = dataclasses.replace(row, latency=float(measured.latency.median))
        _keep(job, model, tflite, folder)
        return row, measured, warnings
    shutil.rmtree(folder / "fw", ignore_errors=True)
    nearest = dataclasses.replace(order[0], fits=False)
    model, tflite = _again(job, nearest)
    _keep(job, model, tflite, folder)
    return nearest, None, warnings


def _again(job: Job, row: FitRow) -> tuple[Any, bytes]:
    """The trial's model, made anew where its file is gone (another machine's trial)."""
    from edgekit.model.load import load_model

    path = cached(job, row.trial)
    if path.is_file():
        model = load_model(path).keras
    else:
        candidate = Candidate(**row.candidate)
        model = job.shop.thin(candidate)
        if row.tuned:
            job.shop.tune(model, candidate, job.progress)
    _, tflite = job.shop.measure(model, row.candidate.get("calibration", "mse"))
    return model, tflite


def _may_win(job: Job, row: FitRow) -> bool:
    """Whether it keeps to the limits, or may do so with the accuracy that more steps bring."""
    return row.fits or bool(job.final_steps and row.tuned and max(row.over[:3]) <= 0)


def _longer(job: Job, row: FitRow, model: Any) -> tuple[FitRow, bytes]:
    """The candidate after `final_steps` more; sizes stay, since no weight or channel comes back."""
    job.shop.tune(model, Candidate(**row.candidate), job.progress, steps=job.final_steps)
    sizes, tflite = job.shop.measure(model, row.candidate.get("calibration", "mse"))
    drop = row.drop + row.accuracy - sizes.accuracy
    over = list(row.over)
    if job.limits.max_drop is not None:
        over[3] = drop - job.limits.max_drop
    known = dataclasses.asdict(sizes)
    del known["constant_bytes"]
    fits = max(over) <= 0
    return dataclasses.replace(row, **known, drop=drop, over=tuple(over), fits=fits), tflite


def _keep(job: Job, model: Any, tflite: bytes, folder: Path) -> None:
    from edgekit.verbs._pruned_files import save_model

    save_model(model, folder / f"{job.name}.keras")
    (folder / f"{job.name}.tflite").write_bytes(tflite)


def _record(
    job: Job,
    found: Found,
    base: FitRow,
    best: FitRow,
    rows: Sequence[FitRow],
    measured: BenchRecord | None,
    warnings: Sequence[str],
) -> FitRecord:
    loaded, shop = job.shop.loaded, job.shop
    source = shop.dataset.source
    return FitRecord(
        name=job.name,
        source=loaded.source.name if loaded.source else loaded.name,
        source_sha256=loaded.sha256,
        data=Path(source).name if "/" in source else source,
        board=shop.setting.board.id,
        folder=job.out,
        model=job.out / f"{job.name}.keras",
        page=job.out / "pareto.html",
        study=_study_name(job),
        limits=job.limits,
        fits=best.fits,
        base=base,
        best=best,
        rows=tuple(rows),
        bench=measured,
        trials=found.finished,
        refused=tuple(dict.fromkeys(found.refused)),
        turned_down=found.turned_down,
        scored=len(shop.scored),
        seed=shop.setting.budget.seed,
        fine_tuning=_tuning(shop) | {"final_steps": job.final_steps},
        warnings=(*shop.dataset.warnings, *warnings),
    )


def _study_name(job: Job) -> str:
    """A file's name, or what kind of database it is: its URL may hold a password."""
    scheme, found, _ = job.study.partition("://")
    return f"{scheme}://" if found else Path(job.study or job.journal).name


def _tuning(shop: Workshop) -> dict[str, Any]:
    budget = (
        shop.setting.budget
        if shop.setting.budget.epochs == 0
        else shop.setting.budget.resolved(len(shop.train))
    )
    return dataclasses.asdict(budget)


def _write(job: Job, record: FitRecord, source: Path, *, force: bool) -> None:
    """Files of the winner and the page at once; paths of bench's record become those in `out`."""
    from edgekit.report.pareto import pareto_page

    with staged_folder(job.out, "fit", force=force) as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        (folder / "pareto.html").write_text(pareto_page(record))
        files = hash_tree(folder)
    if record.bench is not None:
        bench_folder = job.out / "fw" / "bench"
        moved = {
            key: bench_folder / getattr(record.bench, key).name for key in ("outputs", "ticks")
        }
        record = dataclasses.replace(record, bench=dataclasses.replace(record.bench, **moved))
    inputs = {record.source: record.source_sha256}
    write_record(job.out, "fit", record, inputs=inputs, files=files)
