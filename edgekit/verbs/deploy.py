# SPDX-License-Identifier: Apache-2.0
"""`edgekit.deploy(model)`: from a trained model to a measured number and a report, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.boards import DEFAULT_BOARD
from edgekit.progress import SILENT, Progress
from edgekit.verbs.stages import Plan, at_port, check_plan, run_stages

if TYPE_CHECKING:
    from edgekit.verbs.bench import BenchRecord
    from edgekit.verbs.build import BuildRecord
    from edgekit.verbs.convert import ConvertRecord
    from edgekit.verbs.flash import FlashRecord
    from edgekit.verbs.prune import PruneRecord


@dataclass(frozen=True, slots=True)
class DeployRecord:
    """The records of all stages, the folder that holds everything, and the page that shows it.

    `flash` is None where nothing had to be flashed: on an emulated board, or one without flashers.
    """

    folder: Path
    report: Path
    prune: PruneRecord | None
    convert: ConvertRecord
    build: BuildRecord
    flash: FlashRecord | None
    bench: BenchRecord


def deploy(
    model: Any,
    data: Any = None,
    *,
    out: str | Path,
    board: str = DEFAULT_BOARD,
    runtime: str = "aot",
    optimize: str = "balanced",
    compress: str = "",
    strip: bool = False,
    allow: tuple[str, ...] = (),
    sparsity: float | None = None,
    samples: int = 200,
    eval_samples: int = 100,
    seed: int = 0,
    port: str = "",
    name: str = "",
    custom: tuple[Any, ...] = (),
    force: bool = False,
    progress: Progress = SILENT,
) -> DeployRecord:
    """Prune (with `sparsity`), convert, write firmware, build, run on the board, report.

    `model`, `data`, `compress`, `strip` and `allow` are as `edgekit.convert` takes them; an int8
    .tflite file skips the conversion, and without data inputs are generated. With `port` (a path,
    a URL, or a selector such as `auto`) the board at it is flashed and measured; `board` need not
    be said where the port's USB id or the firmware on it tells. `out` receives the .tflite file and
    C sources, `fw/` (the project, its build, its bench), `deploy.json`, `report.html` and
    `report.md`. Raises what the stages raise; OutputsDiffer only after all is written, with this
    record.
    """
    plan = Plan(
        out=Path(out),
        board=board,
        runtime=runtime,
        optimize=optimize,
        compress=compress,
        strip=strip,
        allow=allow,
        samples=samples,
        eval_samples=eval_samples,
        seed=seed,
        sparsity=sparsity,
        port=port,
        name=name,
        custom=custom,
        force=force,
    )
    return _deploy(plan, model, data, progress)


def _deploy(plan: Plan, model: Any, data: Any, progress: Progress) -> DeployRecord:
    plan = at_port(plan)
    check_plan(plan, model)
    stages = run_stages(model, data, plan, progress)
    record = DeployRecord(
        folder=plan.out,
        report=plan.out / "report.html",
        prune=stages.prune,
        convert=stages.convert,
        build=stages.build,
        flash=stages.flash,
        bench=stages.bench,
    )
    _write(record)
    if stages.differs is not None:
        stages.differs.record = record
        raise stages.differs
    return record


def _write(record: DeployRecord) -> None:
    from edgekit.artifacts import sha256_file, write_record, write_text
    from edgekit.report.markdown import bench_markdown
    from edgekit.report.page import report_page

    summary = record.folder / "report.md"
    write_text(record.report, report_page(record))
    write_text(summary, bench_markdown(record))
    inputs = {record.convert.source: record.convert.source_sha256}
    files = {path.name: sha256_file(path) for path in (record.report, summary)}
    write_record(record.folder, "deploy", record, inputs=inputs, files=files)
