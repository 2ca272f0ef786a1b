# SPDX-License-Identifier: Apache-2.0
"""The stages that deploy and demo share: one after the other, each with its own record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.artifacts import check_writable
from edgekit.boards import Board, load_board
from edgekit.errors import EdgekitError
from edgekit.progress import SILENT, Progress
from edgekit.verbs.bench import BenchRecord, OutputsDiffer, bench
from edgekit.verbs.build import BuildRecord, build
from edgekit.verbs.firmware import FirmwareRecord, firmware

if TYPE_CHECKING:
    from edgekit.verbs.convert import ConvertRecord
    from edgekit.verbs.flash import FlashRecord
    from edgekit.verbs.prune import PruneRecord


@dataclass(frozen=True, slots=True)
class Plan:
    """What the whole way is to do; the names and defaults are those of the verbs."""

    out: Path
    board: str
    runtime: str = "aot"
    optimize: str = "balanced"
    compress: str = ""
    strip: bool = False
    allow: tuple[str, ...] = ()
    samples: int = 200
    eval_samples: int = 100
    seed: int = 0
    sparsity: float | None = None
    schedule: str = "polynomial"
    port: str = ""
    name: str = ""
    custom: tuple[Any, ...] = ()
    force: bool = False


@dataclass(frozen=True, slots=True)
class Stages:
    """The record of each stage. `differs` is raised by whoever has written its own record."""

    prune: PruneRecord | None
    convert: ConvertRecord
    firmware: FirmwareRecord
    build: BuildRecord
    flash: FlashRecord | None
    bench: BenchRecord
    differs: OutputsDiffer | None = None


def check_plan(plan: Plan, model: Any) -> Board:
    """The board; raises for whatever would fail only after minutes: tools, folder, runtime."""
    board = load_board(plan.board)
    if plan.runtime == "tflm":
        _check_tflm(board)
    if isinstance(model, (str, Path)):
        _check_model(Path(model), plan)
    check_tools(board, port=plan.port)
    for folder in (plan.out, plan.out / "fw"):
        check_writable(folder, force=plan.force)
    return board


def _check_tflm(board: Board) -> None:
    """Raises unless TFLite Micro, as TFLM_DIR has it, fits the board, and CMake is there."""
    from edgekit.build.tflm import find_tflm
    from edgekit.tools import find_tool

    find_tflm("", board)
    find_tool("cmake")


def _check_model(path: Path, plan: Plan) -> None:
    if not path.exists():
        raise EdgekitError(f"there is no model '{path}'", hint="give the path of a saved model")
    if plan.sparsity is not None and path.suffix == ".tflite":
        raise EdgekitError(
            "a .tflite file cannot be pruned: its weights are quantized already",
            hint="give the Keras model that it was made from, or leave --sparsity out",
        )


def check_tools(board: Board, *, port: str = "") -> None:
    """ToolMissing unless the board's compiler, make and emulator are there."""
    from edgekit.build.toolchain import find_compiler
    from edgekit.tools import find_tool

    find_tool("make")
    find_compiler(board.build.toolchain)
    if board.emulator and board.emulator.program != "native" and not port:
        find_tool(board.emulator.program)
    if port and board.flash and not board.emulator:
        from edgekit.flash.table import choose_flasher

        choose_flasher(board)


def run_stages(model: Any, data: Any, plan: Plan, progress: Progress = SILENT) -> Stages:
    """Prune (where a sparsity is asked for), convert, firmware, build, bench.

    The converted model lies in `plan.out`, the pruned one in its `pruned/`, the firmware project
    with its build and bench in `fw/`.
    """
    from edgekit.verbs.convert import convert

    pruned = _prune(model, data, plan, progress) if plan.sparsity is not None else None
    source = model if pruned is None else pruned.model
    plan = _unseen(plan, pruned)
    converted = convert(
        source,
        data,
        out=plan.out,
        board=plan.board,
        name=plan.name or _name_of(model, pruned is not None),
        samples=plan.samples,
        eval_samples=plan.eval_samples,
        seed=plan.seed,
        compress=plan.compress,
        strip=plan.strip,
        allow=plan.allow,
        custom=plan.custom,
        force=plan.force,
        progress=progress,
    )
    return _on_board(pruned, converted, data, plan, progress)


def _unseen(plan: Plan, pruned: PruneRecord | None) -> Plan:
    """Never score more samples than fine-tuning left alone."""
    if pruned is None or pruned.fine_tuning is None or pruned.accuracy is None:
        return plan
    return replace(plan, eval_samples=min(plan.eval_samples, int(pruned.accuracy["samples"])))


def _prune(model: Any, data: Any, plan: Plan, progress: Progress) -> PruneRecord:
    from edgekit.verbs.prune import prune

    name = plan.name or _name_of(model, True) or "model"
    return prune(
        model,
        data,
        out=plan.out / "pruned" / f"{name}.keras",
        sparsity=plan.sparsity if plan.sparsity is not None else 0.0,
        schedule=plan.schedule,
        seed=plan.seed,
        custom=plan.custom,
        force=plan.force,
        progress=progress,
    )


def _name_of(model: Any, pruned: bool) -> str:
    """The name to hand to convert: only a pruned file has lost the one that the user knows."""
    return Path(model).stem if pruned and isinstance(model, (str, Path)) else ""


def _on_board(
    pruned: PruneRecord | None,
    converted: ConvertRecord,
    data: Any,
    plan: Plan,
    progress: Progress,
) -> Stages:
    folder = plan.out / "fw"
    project = firmware(
        plan.out,
        board=plan.board,
        runtime=plan.runtime,
        out=folder,
        optimize=plan.optimize,
        force=plan.force,
    )
    progress.say(f"building for {project.board}")
    built = build(folder)
    flashed = _flash(plan, folder, progress)
    differs = None
    try:
        measured = bench(
            folder,
            data,
            port=flashed.port if flashed else plan.port,
            eval_samples=plan.eval_samples,
            seed=plan.seed,
            calibrated=plan.samples,
            progress=progress,
        )
    except OutputsDiffer as error:
        differs, measured = error, error.record
    return Stages(pruned, converted, project, built, flashed, measured, differs)


def _flash(plan: Plan, folder: Path, progress: Progress) -> FlashRecord | None:
    """Onto the real board at the plan's port; None where there is no such thing to do."""
    from edgekit.verbs.flash import flash

    board = load_board(plan.board)
    if not plan.port or board.emulator is not None or not board.flash:
        return None
    return flash(folder, port=plan.port, progress=progress)


def at_port(plan: Plan) -> Plan:
    """The plan for the board that is plugged in at its port, and the port's own path."""
    from edgekit.verbs._plugged import find_board, is_selector

    if not is_selector(plan.port):
        return plan
    asked = load_board(plan.board)
    board, port = find_board(plan.port, asked)
    return replace(plan, board=plan.board if board == asked else board.id, port=port)


def on_board(plan: Plan, board: str) -> Plan:
    """The same plan for another board."""
    return replace(plan, board=board)
