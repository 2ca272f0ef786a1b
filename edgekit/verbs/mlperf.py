# SPDX-License-Identifier: Apache-2.0
"""`edgekit.mlperf(folder)`: MLPerf Tiny's measurement, over its own text protocol."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.errors import DeviceError, EdgekitError
from edgekit.progress import SILENT, Progress

if TYPE_CHECKING:
    from edgekit.verbs._mlperf_data import Files
    from edgekit.verbs._mlperf_golden import Judge
    from edgekit.verbs._mlperf_run import Accuracy, Performance
    from edgekit.verbs.bench import Bundle

MODES = ("performance", "accuracy", "both")


@dataclass(frozen=True, slots=True)
class MlperfRecord:
    """`kind` is "measured" where the clock is a board's or this computer's own, "emulated" where an
    emulator ran the board's program as fast as this computer can: no figure of a board's speed.

    `data` is where the inputs are from. `performance` and `accuracy` are None where not asked for.
    """

    task: str
    title: str
    name: str
    board: str
    kind: str
    device: str
    runtime: str
    model_sha256: str
    data: str
    performance: Performance | None
    accuracy: Accuracy | None
    made: Path | None
    warnings: tuple[str, ...]


def mlperf(
    folder: str | Path,
    data: Any = None,
    *,
    port: str = "",
    mode: str = "performance",
    files: int = 0,
    make_data: str | Path = "",
    seed: int = 0,
    progress: Progress = SILENT,
) -> MlperfRecord:
    """Measure built firmware that was made with `mlperf=`, as MLPerf Tiny's runner does.

    `data` is a folder in the runner's layout, anything that `edgekit.bench` takes, or None for
    generated inputs; `files` is how many of it (default: 5 for performance, 60 for accuracy).
    `mode` is "performance" (five windows of 12 to 15 s, each of 10 s at least, and the median),
    "accuracy" or "both". With `make_data` nothing is run: the files are written to that folder in
    the runner's layout. The record is `mlperf/mlperf.json` in the folder. Raises EdgekitError for
    firmware without the protocol, DeviceError where the device or its clock is not as it should be.
    """
    from edgekit.verbs._mlperf_data import find_files
    from edgekit.verbs._mlperf_golden import Judge
    from edgekit.verbs._mlperf_task import BY_ID
    from edgekit.verbs.bench import check_port, read_bundle

    _check_mode(mode)
    bundle = read_bundle(Path(folder))
    task = BY_ID[_built_for(bundle)]
    if not make_data:
        check_port(bundle, port)
    judge = Judge(task, bundle.graph, bundle.tflite)
    wanted = files or (5 if mode == "performance" and not make_data else 60)
    found = find_files(judge, data, wanted, seed)
    if make_data:
        return _made(bundle, judge, found, Path(make_data), progress)
    return _run(bundle, judge, found, port=port, mode=mode, progress=progress)


def _check_mode(mode: str) -> None:
    if mode not in MODES:
        raise EdgekitError(f"unknown mode '{mode}'", hint=f"one of: {', '.join(MODES)}")


def _built_for(bundle: Bundle) -> str:
    task = str(bundle.firmware.get("mlperf", ""))
    if not task:
        again = f"edgekit firmware {bundle.tflite} --board {bundle.board.id} --mlperf auto"
        raise EdgekitError(
            f"the firmware in '{bundle.folder}' does not speak MLPerf Tiny's protocol",
            hint=f"make it anew, then edgekit build: {again} -o {bundle.folder}",
        )
    return task


def _run(
    bundle: Bundle, judge: Judge, found: Files, *, port: str, mode: str, progress: Progress
) -> MlperfRecord:
    from edgekit.link.text import open_text
    from edgekit.verbs._mlperf_run import run_accuracy, run_performance
    from edgekit.verbs._plugged import resolve_port

    performance = accuracy = None
    with open_text(bundle.board, bundle.elf, port=resolve_port(port, bundle.board)) as device:
        name = device.name()
        if (task := device.task()) != judge.task.id:
            raise DeviceError(
                f"the device is built for {task}, the firmware in the folder for {judge.task.id}",
                hint="flash the firmware of this folder: edgekit flash",
            )
        if mode != "accuracy":
            performance = run_performance(device, judge.task, found, progress)
        if mode != "performance":
            accuracy = run_accuracy(device, judge, found, progress)
    record = _record(bundle, judge, found, device=name, performance=performance, accuracy=accuracy)
    _write(bundle, record)
    return record


def _record(bundle: Bundle, judge: Judge, found: Files, **facts: Any) -> MlperfRecord:
    values: dict[str, Any] = {"device": "", "performance": None, "accuracy": None, "made": None}
    values |= facts
    # what misses in the data matters where they are scored
    scored = values["accuracy"] is not None or values["made"] is not None
    return MlperfRecord(
        task=judge.task.id,
        title=judge.task.title,
        name=bundle.firmware["name"],
        board=bundle.board.id,
        kind=bundle.board.kind,
        runtime=bundle.firmware["runtime"],
        model_sha256=bundle.graph.sha256,
        data=found.source,
        warnings=(*(found.warnings if scored else ()), *_slow(values["performance"])),
        **values,
    )


def _slow(performance: Performance | None) -> list[str]:
    from edgekit.verbs._mlperf_run import RUNNER_PATIENCE_S

    longest = max((w.elapsed_s for w in performance.windows), default=0.0) if performance else 0.0
    if longest < RUNNER_PATIENCE_S:
        return []
    return [
        f"a window of ten inferences takes {longest:.0f} s, and the official runner gives up after "
        f"{RUNNER_PATIENCE_S:g} s of silence"
    ]


def _made(
    bundle: Bundle, judge: Judge, found: Files, folder: Path, progress: Progress
) -> MlperfRecord:
    from edgekit.verbs._mlperf_data import write_files

    made = write_files(folder, judge.task, found, progress)
    return _record(bundle, judge, found, made=made)


def _write(bundle: Bundle, record: MlperfRecord) -> None:
    from edgekit.artifacts import sha256_file, staged_folder, write_record

    target = bundle.folder / "mlperf"
    with staged_folder(target, "mlperf", force=True):
        pass
    inputs = {"model": record.model_sha256}
    if bundle.build:
        inputs["elf"] = sha256_file(bundle.elf)
    write_record(target, "mlperf", record, inputs=inputs)
