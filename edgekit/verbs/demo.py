# SPDX-License-Identifier: Apache-2.0
"""`edgekit.demo()`: real digits, a small CNN, pruned, int8, on an emulated Cortex-M4, measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.boards import DEFAULT_BOARD
from edgekit.errors import ToolMissing
from edgekit.progress import SILENT, Progress
from edgekit.verbs.stages import Plan, Stages, check_plan, check_tools, on_board, run_stages

if TYPE_CHECKING:
    from edgekit.verbs.bench import BenchRecord
    from edgekit.verbs.build import BuildRecord
    from edgekit.verbs.convert import ConvertRecord
    from edgekit.verbs.prune import PruneRecord

SPARSITY = 0.75
FALLBACK_BOARD = "native"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way, the file it left, and that file's size."""

    step: str
    file: Path
    bytes: int


@dataclass(frozen=True, slots=True)
class DemoRecord:
    """The records of all stages; `steps` are the sizes on the way, `trained_accuracy` is of the
    float model before pruning on all held-out images."""

    folder: Path
    report: Path
    trained_accuracy: float
    held_out: int
    prune: PruneRecord
    convert: ConvertRecord
    build: BuildRecord
    bench: BenchRecord
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def demo(
    *,
    out: str | Path = "demo",
    board: str = DEFAULT_BOARD,
    eval_samples: int = 100,
    seed: int = 0,
    force: bool = False,
    progress: Progress = SILENT,
) -> DemoRecord:
    """Train, prune to 75 %, quantize, build, run held-out digits on the board, and report.

    Falls back to the board `native`, and says so in `notes`, where the board's compiler or
    emulator is missing. `out` receives the data, each step's model, the firmware, the records
    and `report.html`. Raises what the stages raise.
    """
    plan = Plan(
        out=Path(out),
        board=board,
        eval_samples=eval_samples,
        seed=seed,
        sparsity=SPARSITY,
        name="digits",
        force=force,
    )
    plan, notes = _with_tools(plan)
    check_plan(plan, None)
    for note in notes:
        progress.say(note)
    model, data, accuracy, held_out = _train(plan, progress)
    stages = run_stages(model, data, plan, progress)
    record = _record(plan, stages, model, accuracy, held_out, notes)
    _write(record)
    if stages.differs is not None:
        stages.differs.record = record
        raise stages.differs
    return record


def _with_tools(plan: Plan) -> tuple[Plan, tuple[str, ...]]:
    """The plan, for the fallback board where the asked one's tools are missing."""
    from edgekit.boards import load_board

    try:
        check_tools(load_board(plan.board))
    except ToolMissing as missing:
        if plan.board == FALLBACK_BOARD:
            raise
        note = (
            f"{missing}: running on the board '{FALLBACK_BOARD}' in place of {plan.board}"
            f" (to get it: {missing.hint})"
        )
        return on_board(plan, FALLBACK_BOARD), (note,)
    return plan, ()


def _train(plan: Plan, progress: Progress) -> tuple[Path, Path, float, int]:
    """Train the digits model; its file, the data's file, its accuracy on all held-out images."""
    import numpy as np

    from edgekit.artifacts import hash_tree, staged_folder, write_record
    from edgekit.model.digits import accuracy_of, load_digits, train_digits

    digits = load_digits(plan.seed)
    progress.say(f"{len(digits.y_train)} digits to train on, {len(digits.y_test)} held out")
    model = train_digits(digits, seed=plan.seed, progress=progress)
    accuracy = accuracy_of(model, digits.x_test, digits.y_test)
    target = plan.out / "trained"
    with staged_folder(target, "train", force=plan.force) as folder:
        arrays: dict[str, Any] = digits.arrays()
        np.savez_compressed(folder / "digits.npz", **arrays)
        model.save(folder / "digits.keras")
        files = hash_tree(folder)
    body = {"accuracy": accuracy, "held_out": len(digits.y_test), "seed": plan.seed}
    write_record(target, "train", body, files=files)
    return target / "digits.keras", target / "digits.npz", accuracy, len(digits.y_test)


def _record(
    plan: Plan,
    stages: Stages,
    model: Path,
    accuracy: float,
    held_out: int,
    notes: tuple[str, ...],
) -> DemoRecord:
    assert stages.prune is not None
    named = (
        ("trained, float32", model),
        ("pruned, float32", stages.prune.model),
        ("int8", stages.convert.tflite),
        ("firmware image", stages.build.bin or stages.build.elf),
    )
    return DemoRecord(
        folder=plan.out,
        report=plan.out / "report.html",
        trained_accuracy=accuracy,
        held_out=held_out,
        prune=stages.prune,
        convert=stages.convert,
        build=stages.build,
        bench=stages.bench,
        steps=tuple(Step(step, path, path.stat().st_size) for step, path in named),
        notes=notes,
    )


def _write(record: DemoRecord) -> None:
    from edgekit.artifacts import sha256_file, write_record, write_text
    from edgekit.report.page import report_page

    write_text(record.report, report_page(record))
    files = {record.report.name: sha256_file(record.report)}
    write_record(record.folder, "demo", record, files=files)
