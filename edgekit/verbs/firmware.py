# SPDX-License-Identifier: Apache-2.0
"""`edgekit.firmware(model)`: an int8 .tflite file to a firmware project for one board."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.artifacts import (
    hash_tree,
    read_record,
    records_in,
    sha256_file,
    staged_folder,
    write_record,
)
from edgekit.boards import DEFAULT_BOARD, Board, load_board
from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.lower.program import Program

RUNTIMES = ("aot", "tflm")


@dataclass(frozen=True, slots=True)
class FirmwareRecord:
    """The project and the model in it.

    `ops` are those that run: `{op, origin, macs, outputs}`, `origin` being the ops of the .tflite
    file that it stands for, the one that names it first. `plan` says where in the arena each
    tensor lies that is as in the .tflite file, by its index there: `{offset, bytes, first,
    last}`, live from op `first` to op `last` of `ops`.
    """

    board: str
    runtime: str
    optimize: str
    name: str
    project: Path
    tflite: Path
    model_sha256: str
    arena_bytes: int
    ops: tuple[dict[str, Any], ...]
    plan: dict[int, dict[str, int]]


def firmware(
    model: str | Path,
    *,
    board: str | Path = DEFAULT_BOARD,
    runtime: str = "aot",
    out: str | Path,
    optimize: str = "balanced",
    name: str = "",
    force: bool = False,
) -> FirmwareRecord:
    """Write the firmware project of `model` for `board` to the folder `out`.

    `model` is an int8 .tflite file or a folder that `edgekit.convert` wrote, `board` an id or a
    board file, `name` the model's name in C (default: from the file). Raises EdgekitError for a
    model that the runtime cannot run, naming op and layer, before anything is written.
    """
    _check_runtime(runtime)
    target = load_board(board)
    tflite = find_tflite(Path(model))
    program, name = _lower(tflite, target, optimize, name)
    out = Path(out)
    with staged_folder(out, "firmware", force=force) as folder:
        _write(folder, program, target, tflite, name=name, optimize=optimize)
        files = hash_tree(folder)
    _drop_stale(out)
    record = FirmwareRecord(
        board=target.id,
        runtime=runtime,
        optimize=optimize,
        name=name,
        project=out,
        tflite=out / "model" / f"{name}.tflite",
        model_sha256=program.graph.sha256,
        arena_bytes=program.plan.arena_bytes,
        ops=_ops(program),
        plan=_plan(program),
    )
    write_record(out, "firmware", record, inputs={tflite.name: sha256_file(tflite)}, files=files)
    return record


def find_tflite(model: Path) -> Path:
    """The .tflite file that `model` is, or that the convert record in the folder `model` names."""
    if not model.is_dir():
        if model.suffix in (".keras", ".h5"):
            raise EdgekitError(
                f"'{model}' is a Keras model, and firmware takes an int8 .tflite file",
                hint=f"run it first: edgekit convert {model} -o build/{model.stem}",
            )
        return model
    record = read_record(model / "convert.json")
    path = model / str(record.get("tflite", ""))
    if not path.is_file():
        raise EdgekitError(
            f"the .tflite file that '{model / 'convert.json'}' names is gone",
            hint="run edgekit convert again",
        )
    return path


def _check_runtime(runtime: str) -> None:
    if runtime == "tflm":
        raise EdgekitError(
            "the firmware template for TFLite Micro is not part of this version",
            hint="use --runtime aot, or put the C array and op resolver of edgekit convert "
            "into a TFLite Micro project of your own",
        )
    if runtime not in RUNTIMES:
        raise EdgekitError(f"unknown runtime '{runtime}'", hint=f"one of: {', '.join(RUNTIMES)}")


def _lower(tflite: Path, board: Board, optimize: str, name: str) -> tuple[Program, str]:
    from edgekit.emit.names import c_identifier
    from edgekit.lower.build import lower_graph
    from edgekit.lower.program import Target
    from edgekit.tflite.reader import read_graph

    graph = read_graph(tflite)
    program = lower_graph(graph, Target(core=board.core, optimize=optimize))
    return program, c_identifier(name or tflite.stem)


def _write(
    folder: Path, program: Program, board: Board, tflite: Path, *, name: str, optimize: str
) -> None:
    from edgekit import __version__
    from edgekit.emit.aot import aot_sources
    from edgekit.emit.project import write_project

    provenance = f"edgekit {__version__}, from {tflite.name} (SHA-256 {program.graph.sha256})"
    sources: dict[str, str | bytes] = dict(aot_sources(program, name, provenance))
    sources[f"{name}.tflite"] = tflite.read_bytes()
    write_project(
        folder,
        board,
        sources,
        name=name,
        runtime="aot",
        provenance=provenance,
        optimize=optimize,
    )


def _ops(program: Program) -> tuple[dict[str, Any], ...]:
    from edgekit.lower.build import macs

    graph = program.graph
    return tuple(
        {
            "op": op.kind,
            "origin": op.origins,
            "macs": macs(op, graph),
            "outputs": tuple(i for i in op.outputs if graph.tensor(i).kept),
        }
        for op in graph.ops
    )


def _plan(program: Program) -> dict[int, dict[str, int]]:
    plan, graph = program.plan, program.graph
    return {
        tensor: {
            "offset": int(offset),
            "bytes": graph.tensor(tensor).bytes,
            "first": plan.lifetimes[tensor][0],
            "last": plan.lifetimes[tensor][1],
        }
        for tensor, offset in sorted(plan.offsets.items())
        if graph.tensor(tensor).kept
    }


def _drop_stale(out: Path) -> None:
    """What was built and measured from the sources that were just replaced is void."""
    for stage in ("build", "bench"):
        if stage in records_in(out / stage):
            shutil.rmtree(out / stage)
