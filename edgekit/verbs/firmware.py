# SPDX-License-Identifier: Apache-2.0
"""`edgekit.firmware(model)`: an int8 .tflite file to a firmware project for one board."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgekit.artifacts import (
    hash_tree,
    read_record,
    records_in,
    sha256_file,
    staged_folder,
    write_record,
)
from edgekit.boards import DEFAULT_BOARD, load_board
from edgekit.errors import EdgekitError
from edgekit.verbs._mlperf_task import Task, find_task
from edgekit.verbs._projects import Content, Wish, contents_for


@dataclass(frozen=True, slots=True)
class FirmwareRecord:
    """The project and the model in it.

    `ops` are those that run: `{op, layer, origin, macs, outputs}`, `origin` being the ops of the
    .tflite file that it stands for, the one that names it first; for aot also the `way` that was
    chosen for it and `predicted_instructions`, as `inspect --board` shows them. `plan` says where
    in the arena each tensor lies that is as in the .tflite file, by its index there: `{offset,
    bytes, first, last}`, live from op `first` to op `last` of `ops`; {} for tflm, whose
    interpreter alone knows.
    `arena_plans` are the planned arenas of TFLite Micro by kernel set, `arena_bytes` the one in
    the firmware. `builder` is what `edgekit build` runs, "" where the platform's own tool builds.
    `tried` says how far this template and runtime were tried. `mlperf` is the task of MLPerf Tiny
    whose text protocol the firmware speaks too, "" where none. With `stream_rows` the input
    arrives by rows, and the first of `ops` runs as they come.
    """

    board: str
    runtime: str
    template: str
    builder: str
    tried: str
    optimize: str
    name: str
    project: Path
    tflite: Path
    model_sha256: str
    arena_bytes: int
    ops: tuple[dict[str, Any], ...]
    plan: dict[int, dict[str, int]]
    arena_plans: dict[str, int]
    warnings: tuple[str, ...]
    mlperf: str = ""
    stream_rows: bool = False


def firmware(
    model: str | Path,
    *,
    board: str | Path = DEFAULT_BOARD,
    runtime: str = "aot",
    template: str = "",
    out: str | Path,
    optimize: str = "balanced",
    name: str = "",
    arena_bytes: int | None = None,
    mlperf: str = "",
    stream_rows: bool = False,
    force: bool = False,
) -> FirmwareRecord:
    """Write the firmware project of `model` for `board` to the folder `out`.

    `model` is an int8 .tflite file or a folder that `edgekit.convert` wrote, `board` an id or a
    board file, `template` a folder of firmware/templates (default: make for aot, cmake for tflm),
    `name` the model's name in C (default: from the file), `arena_bytes` TFLite Micro's arena
    (default: as planned), `mlperf` a task of MLPerf Tiny (or "auto") whose text protocol the
    firmware is to speak beside its own. With `stream_rows` (aot) the C takes the input by rows and
    the arena holds a few of them. Raises EdgekitError for a model that the runtime cannot run,
    naming op and layer, or that is not the task's, and for a template, board and runtime that do
    not go together, before anything is written.
    """
    wish = _wish(Path(model), board, runtime, template, optimize, name, arena_bytes)
    if stream_rows:
        _check_stream(runtime, mlperf)
        wish = replace(wish, stream_rows=True)
    task = find_task(wish.tflite, mlperf) if mlperf else None
    content = contents_for(wish, runtime)
    out = Path(out)
    with staged_folder(out, "firmware", force=force) as folder:
        _write(folder, wish, runtime, content, task)
        files = hash_tree(folder)
    _drop_stale(out)
    record = _record(wish, runtime, content, out, name, task)
    inputs = {wish.tflite.name: sha256_file(wish.tflite)}
    write_record(out, "firmware", record, inputs=inputs, files=files)
    return record


def _wish(
    model: Path,
    board: str | Path,
    runtime: str,
    template: str,
    optimize: str,
    name: str,
    arena_bytes: int | None,
) -> Wish:
    """Everything that can be wrong without reading the model is refused here."""
    from edgekit.emit.names import c_identifier
    from edgekit.emit.project import check_optimize
    from edgekit.emit.template import DEFAULT_TEMPLATES, check_template, load_template

    if runtime not in DEFAULT_TEMPLATES:
        known = ", ".join(DEFAULT_TEMPLATES)
        raise EdgekitError(f"unknown runtime '{runtime}'", hint=f"one of: {known}")
    check_optimize(optimize)
    kind = load_template(template or DEFAULT_TEMPLATES[runtime])
    target = load_board(board)
    check_template(kind, target, runtime)
    if arena_bytes is not None and (runtime != "tflm" or arena_bytes <= 0):
        raise EdgekitError(
            f"an arena of {arena_bytes} bytes is asked for, with the runtime {runtime}",
            hint="--arena-bytes takes a positive number, and is for --runtime tflm",
        )
    tflite = find_tflite(model)
    return Wish(tflite, target, kind, optimize, c_identifier(name or tflite.stem), arena_bytes)


def _check_stream(runtime: str, mlperf: str) -> None:
    if runtime == "aot" and not mlperf:
        return
    who = "MLPerf Tiny's text protocol" if mlperf else f"the runtime {runtime}"
    raise EdgekitError(
        f"{who} needs the whole input at once",
        hint="leave out --stream-rows, which is for --runtime aot without --mlperf",
    )


def _write(folder: Path, wish: Wish, runtime: str, content: Content, task: Task | None) -> None:
    from edgekit.emit.project import write_project

    write_project(
        folder,
        wish.board,
        content.sources,
        name=wish.name,
        runtime=runtime,
        provenance=content.provenance,
        optimize=wish.optimize,
        template=wish.template.name,
        facts={"arena_bytes": content.arena_bytes, "mlperf": task, **content.facts},
    )


def _record(
    wish: Wish, runtime: str, content: Content, out: Path, asked: str, task: Task | None
) -> FirmwareRecord:
    kind = wish.template
    return FirmwareRecord(
        board=wish.board.id,
        runtime=runtime,
        template=kind.name,
        builder=kind.builder,
        tried=kind.tried[runtime],
        optimize=wish.optimize,
        name=wish.name,
        project=out,
        tflite=out / kind.place("model") / f"{wish.name}.tflite",
        model_sha256=content.sha256,
        arena_bytes=content.arena_bytes,
        ops=content.ops,
        plan=content.plan,
        arena_plans=content.arena_plans,
        warnings=(*_name_warnings(wish, asked), *_board_warnings(wish, runtime), *content.warnings),
        mlperf=task.id if task else "",
        stream_rows=wish.stream_rows,
    )


def _name_warnings(wish: Wish, asked: str) -> list[str]:
    if asked in ("", wish.name):
        return []
    return [f"'{asked}' is no name in C: the model is called {wish.name}"]


def _board_warnings(wish: Wish, runtime: str) -> list[str]:
    from edgekit.emit.template import package_doubt, platform_name

    kind, board = wish.template, wish.board
    doubt = package_doubt(kind, board, runtime)
    warnings = [doubt] if doubt else []
    if kind.chip_port or platform_name(kind, board):
        return warnings
    return [
        *warnings,
        f"{board.id} is no board that {kind.title} knows: the project is made for its core "
        f"({board.core}); choose your board as its README.md says",
    ]


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


def _drop_stale(out: Path) -> None:
    """What was built and measured from the sources that were just replaced is void."""
    for stage in ("build", "bench"):
        if stage in records_in(out / stage):
            shutil.rmtree(out / stage)
