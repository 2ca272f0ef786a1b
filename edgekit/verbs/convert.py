# SPDX-License-Identifier: Apache-2.0
"""`edgekit.convert()`: a trained Keras model to a full-integer int8 .tflite and its C sources."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgekit import artifacts
from edgekit.boards import Board, load_board
from edgekit.emit.scaling import input_scaling
from edgekit.progress import SILENT, Progress
from edgekit.quantize.checks import Evidence, check_closed, remarks
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph
from edgekit.verbs._arena import check_arena
from edgekit.verbs._checked import checked
from edgekit.verbs._conversion import Conversion, Options, from_keras, is_tflite
from edgekit.verbs._convert_record import ConvertRecord
from edgekit.verbs._hosted import Hosted, host_runtimes
from edgekit.verbs._packing import Packing, pack_model
from edgekit.verbs._tensor_scales import TensorScales, tensor_scales
from edgekit.verbs._weights import named_wishes
from edgekit.verbs.golden import NOT_CHECKED
from edgekit.verbs.inspect import op_rows

__all__ = ["ConvertRecord", "TensorScales", "convert"]


def convert(
    model: Any,
    data: Any = None,
    *,
    out: str | Path,
    board: str | None = None,
    name: str = "",
    samples: int = 200,
    eval_samples: int = 100,
    seed: int = 0,
    calibration: str = "mse",
    input_dtype: str = "int8",
    output_dtype: str = "int8",
    compress: str = "",
    strip: bool = False,
    allow: tuple[str, ...] = (),
    custom: tuple[Any, ...] = (),
    force: bool = False,
    progress: Progress = SILENT,
    **weights: Any,
) -> ConvertRecord:
    """Write the int8 .tflite of `model`, its C array, op list and ahead-of-time C to folder `out`.

    `model` is a path (.keras, .h5, SavedModel folder, int8 .tflite) or a live Keras model, `data`
    whatever `edgekit.model.data.load_data` takes; without it the ranges come from generated
    inputs and the record says so. `compress` ("prune", "lut" or "auto") stores weights encoded
    for TFLite Micro's DECODE operator where that is smaller, `strip` leaves names and metadata
    out of the file; outputs stay the same to the byte. `weights` are fields of
    `edgekit.quantize.weights.Wishes`: rounding, weight_scale, bias_correction, equalize,
    per_tensor, layers ("REGEX=FORMAT" texts), bias_type. A check of the result that `allow` names
    (`edgekit.quantize.checks`) may fail. Raises EdgekitError for what the user can change (naming
    op and layer), LimitBroken where weights or activations alone exceed `board`. Nothing is
    written unless all of it succeeds.
    """
    options = Options(
        samples=samples,
        eval_samples=eval_samples,
        seed=seed,
        calibration=calibration,
        input_dtype=input_dtype,
        output_dtype=output_dtype,
        custom=custom,
        compress=compress,
        strip=strip,
        allow=allow,
        wishes=named_wishes(weights),
    )
    options.check()
    artifacts.check_writable(Path(out), force=force)
    return _convert(model, data, options, Target(Path(out), board, name, force), progress)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the files go, under which name, and for which board."""

    out: Path
    board: str | None
    name: str
    force: bool


def _convert(
    model: Any, data: Any, options: Options, target: Target, progress: Progress
) -> ConvertRecord:
    chosen = load_board(target.board) if target.board else None
    out = target.out
    done, packing = _converted(model, data, options, chosen, progress)
    name = _name(target.name, done)
    hosted = host_runtimes(done, name, chosen, progress)
    if chosen:
        _check_board(done.graph, hosted, chosen)
    done = done.compare(hosted, progress)
    command = _command(done, data, options, target.board)
    files = _write(out, done, hosted, name, command, force=target.force)
    record = _record(out, done, hosted, packing, name, files)
    _write_record(out, record, done, files)
    return record


def _converted(
    model: Any, data: Any, options: Options, board: Board | None, progress: Progress
) -> tuple[Conversion, Packing]:
    """The model as int8 with its file rewritten, and what that saved."""
    if is_tflite(model):
        done = _from_tflite(Path(model), options.allow)
    else:
        done = from_keras(model, data, options, progress)
    packed = pack_model(
        done.tflite,
        done.graph,
        compress=options.compress,
        strip=options.strip,
        seed=options.seed,
        board=board,
        progress=progress,
    )
    warnings = (*done.warnings, *packed.warnings)
    done = replace(done, tflite=packed.tflite, graph=packed.graph, warnings=warnings)
    return done, packed.record


def _write_record(
    out: Path, record: ConvertRecord, done: Conversion, files: tuple[str, ...]
) -> None:
    inputs = {done.source: done.source_sha256}
    if done.data_sha256:
        inputs[done.data] = done.data_sha256
    written = {file: artifacts.sha256_file(out / file) for file in files}
    artifacts.write_record(out, "convert", record, inputs=inputs, files=written)


def _from_tflite(path: Path, allow: tuple[str, ...]) -> Conversion:
    graph = read_graph(path)
    checks = checked(Evidence(graph, str(path), converted=False), allow)
    check_closed(graph, str(path))
    return Conversion(
        graph=graph,
        tflite=path.read_bytes(),
        source=path.name,
        source_sha256=graph.sha256,
        source_bytes=graph.file_bytes,
        checks=checks,
    )


def _name(name: str, done: Conversion) -> str:
    from edgekit.emit.names import c_identifier

    return c_identifier(name or Path(done.source).stem)


def _check_board(graph: Graph, hosted: Hosted, board: Board) -> None:
    """Constants and activations alone: what the build adds to them is not known yet."""
    from edgekit.build.size import check_limits

    constants = {i for op in graph.ops for i in op.inputs if i >= 0 and graph.tensor(i).is_constant}
    flash_bytes = sum(graph.tensor(index).bytes for index in constants)
    check_limits(flash_bytes, hosted.arena_bytes["aot"] or 0, board)
    if hosted.runs == ("tflm",) and hosted.tflm_arena:
        check_arena(hosted.tflm_arena, board)


def _command(done: Conversion, data: Any, options: Options, board: str | None) -> str:
    """The command that repeats this, with file names only: no folder of this machine."""
    words = ["edgekit", "convert", done.source]
    if data is not None and done.data:
        words += ["--data", done.data]
    if board:
        words += ["--board", Path(board).name]
    return shlex.join(words + options.words())


def _write(
    out: Path, done: Conversion, hosted: Hosted, name: str, command: str, *, force: bool
) -> tuple[str, ...]:
    from edgekit import __version__
    from edgekit.emit.c_array import model_array_sources
    from edgekit.emit.metadata import ArenaNote
    from edgekit.emit.op_resolver import ops_header
    from edgekit.emit.scaling import scaling_header

    provenance = (
        f"Generated by edgekit {__version__}: {command}\n"
        f"from {done.source} (SHA-256 {done.source_sha256})\n"
        f"Model {name}.tflite (SHA-256 {done.graph.sha256})"
    )
    arena = hosted.tflm_arena
    note = ArenaNote(arena.arena_bytes, arena.how) if arena else None
    texts = model_array_sources(done.tflite, name, provenance, done.graph, note)
    if hosted.refusals["tflm"] in ("", NOT_CHECKED):
        texts |= ops_header(done.graph, name, provenance)
    texts |= hosted.aot_texts(provenance) | scaling_header(done.graph, name, provenance)
    with artifacts.staged_folder(out, "convert", force=force) as folder:
        (folder / f"{name}.tflite").write_bytes(done.tflite)
        for file, text in texts.items():
            (folder / file).write_text(text)
    return (f"{name}.tflite", *sorted(texts))


def _record(
    out: Path,
    done: Conversion,
    hosted: Hosted,
    packing: Packing,
    name: str,
    files: tuple[str, ...],
) -> ConvertRecord:
    graph = replace(done.graph, name=name)
    return ConvertRecord(
        name=name,
        source=done.source,
        source_sha256=done.source_sha256,
        source_bytes=done.source_bytes,
        data=done.data,
        data_sha256=done.data_sha256,
        tflite=out / f"{name}.tflite",
        tflite_bytes=len(done.tflite),
        float_tflite_bytes=done.float_tflite_bytes,
        model_sha256=graph.sha256,
        versions=_versions(done),
        ops=op_rows(graph, hosted.aot_refusals, hosted.refusals.get("tflm", "")),
        tensors=tensor_scales(graph),
        input_scaling=input_scaling(graph, name),
        statistics=done.statistics(),
        arena_bytes=hosted.arena_bytes,
        tflm_arena=hosted.tflm_arena,
        runtimes=hosted.refusals,
        golden=hosted.golden_words(),
        accuracy=done.accuracy,
        output_error=done.output_error,
        calibration=done.calibration,
        packing=packing,
        kernels=done.kernels,
        weights=done.weights.rows if done.weights else (),
        formats=done.weights.changed if done.weights else (),
        checks=done.checks,
        warnings=(*done.warnings, *remarks(done.checks), *hosted.warnings()),
        written=tuple(out / file for file in files),
    )


def _versions(done: Conversion) -> dict[str, str]:
    """Versions of what took part: a .tflite given as it is needs no TensorFlow."""
    from importlib.metadata import version

    from edgekit import __version__
    from edgekit.tflite.golden import tflm_version

    versions = {"edgekit": __version__, "numpy": version("numpy")}
    if done.calibration is not None:
        versions |= {"tensorflow": version("tensorflow"), "keras": version("keras")}
    if found := tflm_version():
        versions["tflite-micro"] = found
    return versions
