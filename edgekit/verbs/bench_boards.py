# SPDX-License-Identifier: Apache-2.0
"""`edgekit.bench_boards(...)`: several boards side by side, and held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.boards import Board, all_boards, load_board
from edgekit.errors import EdgekitError, LimitBroken, ToolMissing
from edgekit.progress import SILENT, Progress
from edgekit.verbs._side_by_side import BoardRun, Job, LeftOut, run_side_by_side
from edgekit.verbs.bench import Wanted

if TYPE_CHECKING:
    from edgekit.verbs.bench import BenchRecord, Bundle
    from edgekit.verbs.bench_run import Material
    from edgekit.verbs.compare import CompareRecord

ALL = "all"


@dataclass(frozen=True, slots=True)
class BoardsRecord:
    """`runs` in the order asked for; `compared` is None where fewer than two were measured.

    `report` is the page of the comparison, None where there is none.
    """

    folder: Path
    runs: tuple[BoardRun, ...]
    compared: CompareRecord | None
    report: Path | None


class BoardsFailed(EdgekitError):
    """Some boards did not do; `record` holds those that did as well. The exit code is the highest
    of theirs."""

    record: Any

    def __init__(self, record: BoardsRecord) -> None:
        wrong = [run for run in record.runs if run.exit_code]
        words = "; ".join(f"{run.label}: {run.error}" for run in wrong)
        super().__init__(
            f"{len(wrong)} of {len(record.runs)} boards failed: {words}", hint=wrong[0].hint
        )
        self.exit_code = max(run.exit_code for run in wrong)
        self.record = record


def bench_boards(
    *folders: str | Path,
    data: Any = None,
    boards: Sequence[str] = (),
    ports: Sequence[str] = (),
    out: str | Path | None = None,
    eval_samples: int = 100,
    seed: int = 0,
    calibrated: int = 200,
    profile: bool = True,
    force: bool = False,
    progress: Progress = SILENT,
) -> BoardsRecord:
    """Run one model on several boards, or several built projects, side by side and compare them.

    With `boards` (ids, or "all": every emulated one that the model can be built for), `folders`
    is one firmware folder, folder of a conversion or .tflite file, whose model is built for each
    of them in `out`/<board>. With several `ports` and one built folder, each port is a board that
    runs it; with several folders, the ports (if any) are theirs in turn. At most as many run at a
    time as this computer has processors; those that measure this computer's own time run alone.
    A board that fails takes no other down: BoardsFailed, with the record, is raised once all are
    done and everything is written to `out` (default: `boards/` in the first folder).
    """
    wanted = Wanted(data, eval_samples, seed, calibrated, profile, force, progress)
    paths = [Path(folder) for folder in folders]
    _check_call(paths, boards, ports)
    first = paths[0] if paths[0].is_dir() else paths[0].parent
    target = Path(out) if out else first / "boards"
    if boards:
        jobs = _board_jobs(paths[0], boards, target, wanted)
    else:
        jobs = _folder_jobs(paths, ports, target, wanted)
    record = _record(run_side_by_side(jobs, progress), target)
    _write(record, force=force)
    if any(run.exit_code for run in record.runs):
        raise BoardsFailed(record)
    return record


def _check_call(folders: Sequence[Path], boards: Sequence[str], ports: Sequence[str]) -> None:
    if not folders:
        raise EdgekitError("no folder is given", hint="give a folder that `firmware -o` wrote")
    if boards and (ports or len(folders) > 1):
        raise EdgekitError(
            "--board builds one model for each board, and takes neither ports nor more folders",
            hint="flash real boards first, then give their folders and --port for each",
        )
    if len(folders) > 1 and ports and len(ports) != len(folders):
        raise EdgekitError(
            f"{len(folders)} folders and {len(ports)} ports do not go together",
            hint="give a --port for each folder, in the same order",
        )


def _board_jobs(source: Path, names: Sequence[str], out: Path, wanted: Wanted) -> list[Job]:
    """One job for each board; those of "all" may turn out not to take the model."""
    from edgekit.artifacts import check_writable
    from edgekit.verbs.bench_run import prepare

    tflite, options = _model_of(source)
    chosen = {load_board(name).id: (load_board(name), name) for name in names if name != ALL}
    named = set(chosen)
    if ALL in names:
        emulated = [b for b in all_boards() if b.kind == "emulated" and b.buildable]
        chosen = {b.id: (b, b.id) for b in emulated} | chosen
    check_writable(out, force=wanted.force)
    for board in chosen:
        check_writable(out / board, force=wanted.force)
    material = prepare(tflite, wanted)

    def job(board: Board, name: str) -> Job:
        def run(progress: Progress) -> BenchRecord:
            try:
                _make(tflite, name, out / board.id, options, wanted.force)
            except (LimitBroken, ToolMissing) as error:
                if board.id in named:
                    raise
                raise LeftOut(error) from error
            return _measure(out / board.id, material, wanted, progress)

        return Job(board.id, board.id, "", out / board.id, run, alone=board.kind != "emulated")

    return [job(board, name) for board, name in chosen.values()]


def _model_of(source: Path) -> tuple[Path, dict[str, Any]]:
    """The .tflite file, and how a firmware folder has it built."""
    from edgekit.artifacts import records_in
    from edgekit.verbs.firmware import find_tflite

    record = records_in(source).get("firmware") if source.is_dir() else None
    if record is None:
        return find_tflite(source), {}
    keys = ("runtime", "optimize", "name")
    return source / record["tflite"], {key: record[key] for key in keys}


def _make(tflite: Path, board: str, folder: Path, options: dict[str, Any], force: bool) -> None:
    from edgekit.verbs.build import build
    from edgekit.verbs.firmware import firmware

    firmware(tflite, board=board, out=folder, force=force, **options)
    build(folder)


def _folder_jobs(
    folders: Sequence[Path], ports: Sequence[str], out: Path, wanted: Wanted
) -> list[Job]:
    """Each folder with its port; one folder with each port, its benches apart in `out`."""
    from edgekit.verbs._plugged import resolve_port
    from edgekit.verbs.bench import read_bundle
    from edgekit.verbs.bench_run import prepare

    one = len(folders) == 1
    asked = list(ports) or [""] * len(folders)
    pairs = zip([*folders] * len(asked) if one else folders, asked, strict=True)
    materials: dict[str, Material] = {}
    jobs = []
    for folder, port in pairs:
        bundle = read_bundle(folder)
        if bundle.graph.sha256 not in materials:
            materials[bundle.graph.sha256] = prepare(bundle.tflite, wanted)
        material = materials[bundle.graph.sha256]
        target = out / _tail(port) if one else folder / "bench"
        label = port if one and port else str(folder)

        def run(
            progress: Progress,
            bundle: Bundle = bundle,
            port: str = port,
            target: Path = target,
            material: Material = material,
        ) -> BenchRecord:
            found = resolve_port(port, bundle.board)
            return _measure(bundle.folder, material, wanted, progress, port=found, out=target)

        alone = bundle.board.kind != "emulated" and not port
        jobs.append(Job(label, bundle.board.id, port, target, run, alone=alone))
    return jobs


def _tail(port: str) -> str:
    """A folder's name for a port: what is unlike in most, its end."""
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in port.rpartition("/")[2]) or "0"


def _measure(
    folder: Path,
    material: Material,
    wanted: Wanted,
    progress: Progress,
    *,
    port: str = "",
    out: Path | None = None,
) -> BenchRecord:
    from edgekit.verbs.bench import read_bundle, run_bundle

    bundle = read_bundle(folder)
    return run_bundle(bundle, material, wanted, port=port, out=out, progress=progress)


def _record(runs: tuple[BoardRun, ...], out: Path) -> BoardsRecord:
    from edgekit.artifacts import plain
    from edgekit.verbs._compared import Loaded, compare_runs

    benches = [run.bench for run in runs if run.bench is not None]
    if len(benches) < 2:
        return BoardsRecord(out, runs, None, None)
    loaded = [Loaded(plain(bench), bench.report.parent / "bench.json") for bench in benches]
    report = out / "report.html"
    compared = compare_runs(loaded, max_regression=None, any_model=True, report=report)
    return BoardsRecord(out, runs, compared, report)


def _write(record: BoardsRecord, *, force: bool) -> None:
    from edgekit.artifacts import hash_tree, staged_folder, write_record
    from edgekit.report.comparison import comparison_markdown, comparison_page

    with staged_folder(record.folder, "boards", force=force) as folder:
        if record.compared:
            (folder / "report.html").write_text(comparison_page(record.compared))
            (folder / "report.md").write_text(comparison_markdown(record.compared))
        files = hash_tree(folder)
    write_record(record.folder, "boards", record, files=files)
