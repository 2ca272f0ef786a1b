# SPDX-License-Identifier: Apache-2.0
"""`edgekit.bench(folder)`: samples through the board, outputs against the golden, what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.boards import Board, load_board
from edgekit.errors import EdgekitError, LimitBroken
from edgekit.measure.harness import Difference, RunOp, as_in_file
from edgekit.measure.prediction import PredictionError
from edgekit.measure.stats import LatencySummary
from edgekit.progress import SILENT, Progress
from edgekit.verbs._parity import ScalingParity

if TYPE_CHECKING:
    from edgekit.tflite.graph import Graph
    from edgekit.verbs.bench_run import Material


@dataclass(frozen=True, slots=True)
class BenchMemory:
    """Bytes: flash and RAM of the ELF, the model's part of the flash, arena, deepest stack.

    `arena_used_bytes` is what the runtime took of the arena, as the device reports it, scratch
    buffers included. `stack_bytes` is None where the port cannot know its stack, the ELF's sizes
    where a platform's own tool built it.
    """

    flash_bytes: int | None
    model_flash_bytes: int | None
    ram_bytes: int | None
    arena_bytes: int
    arena_used_bytes: int
    stack_bytes: int | None


@dataclass(frozen=True, slots=True)
class GoldenSource:
    by: str
    version: str


@dataclass(frozen=True, slots=True)
class BenchRecord:
    """One run of a model on a board.

    `kind` labels latency: "measured" (`counter` at `clock_hz`, in us) or "emulated" (in
    instructions). Differences are in `diff_unit`: LSB, or real values for float outputs.
    `outputs` is an .npz with `inputs`, `outputs` (as sent and received), `golden` and `ticks`;
    further inputs and outputs of a model follow as `inputs_1`, ... `layers` are the ops that the
    device runs, `{index, op, layer, macs, macs_run, ticks, share, ticks_per_mac, origin}` and the
    ticks in latency's unit: `origin` are the ops of the .tflite file that it stands for, `index`
    the first of them, `macs` theirs as the file has them and `macs_run` what is left to do (which
    `ticks_per_mac` goes by). An op of the aot runtime also has the `way` that was chosen for it,
    its `predicted_instructions` and, where instructions were counted, `prediction_error`
    (predicted / counted - 1), which `prediction` sums up. `cycles`, on emulated
    boards only, are `{estimated, min, max, model, limits}`: the median of one inference by the
    timings of `model`, a core, and what they leave out; `estimated` is None where nothing could
    be estimated, and `limits` then says why. Layers then have `cycles` too. `runtime_version` and
    `kernels` are what the firmware says of an interpreter's library, "" where it does not know.
    `scaling` says that the generated C scales these samples as they were sent, on this machine and
    on an emulated board's core; None where inputs are generated or real, or no compiler was there
    to ask.
    """

    name: str
    board: str
    core: str
    limits: dict[str, int]
    runtime: str
    runtime_version: str
    kernels: str
    counter: str
    clock_hz: int
    kind: str
    samples: int
    bit_exact: int
    max_abs_diff: float
    diff_unit: str
    rmse: float
    mae: float
    cosine: float
    accuracy: float | None
    golden_accuracy: float | None
    confusion: tuple[tuple[int, ...], ...] | None
    classes: tuple[str, ...]
    latency: LatencySummary
    memory: BenchMemory
    report: Path
    outputs: Path
    ticks: Path
    cycles: dict[str, Any] | None
    layers: tuple[dict[str, Any], ...]
    prediction: PredictionError | None
    golden: GoldenSource
    scaling: ScalingParity | None
    first_difference: Difference | None
    data: str
    seed: int
    model_sha256: str
    build_id: str
    compiler: str
    optimize: str
    warnings: tuple[str, ...]


class OutputsDiffer(LimitBroken):
    """The device's outputs are not the golden ones.

    `record` holds the whole run: bench's record, or that of the deploy or demo around it.
    """

    record: Any

    def __init__(self, record: BenchRecord) -> None:
        wrong = record.samples - record.bit_exact
        found = record.first_difference
        where = (
            f"; the first layer that differs is '{found.layer}'" if found and found.layer else ""
        )
        super().__init__(
            f"{wrong} of {record.samples} samples differ from {record.golden.by}"
            f" by up to {record.max_abs_diff:g} {record.diff_unit}{where}",
            hint="the record and the outputs are in the bench folder; report this with the model",
        )
        self.record = record


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a firmware folder holds, read and checked before anything runs.

    `build` is empty where the platform's own tool builds the project.
    """

    folder: Path
    board: Board
    firmware: dict[str, Any]
    build: dict[str, Any]
    graph: Graph

    @property
    def tflite(self) -> Path:
        return self.folder / self.firmware["tflite"]

    @property
    def ops(self) -> tuple[RunOp, ...]:
        """What the device runs, op by op."""
        rows = self.firmware.get("ops") or ()
        given = tuple(RunOp(tuple(row["origin"]), tuple(row["outputs"])) for row in rows)
        return given or as_in_file(self.graph)

    @property
    def elf(self) -> Path:
        return self.folder / "build" / self.build.get("elf", "firmware.elf")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is sent to a board, and how it is run; the names are those of `bench`."""

    data: Any = None
    eval_samples: int = 100
    seed: int = 0
    calibrated: int = 200
    profile: bool = True
    force: bool = False
    progress: Progress = SILENT


def bench(
    folder: str | Path,
    data: Any = None,
    *,
    port: str = "",
    eval_samples: int = 100,
    seed: int = 0,
    calibrated: int = 200,
    profile: bool = True,
    out: str | Path | None = None,
    force: bool = False,
    progress: Progress = SILENT,
) -> BenchRecord:
    """Run samples on the board of a built firmware folder and hold them against the golden.

    `calibrated` samples of labelled data without a test pair are left out, as `convert` took
    them. Without `data`, inputs are generated. Writes `bench.json`, `report.html`, `report.md`,
    `layers.csv`, `ticks.csv` and `outputs.npz` to `out`, by default the folder's own `bench/`.
    Raises OutputsDiffer, with the record, after all is written; DeviceError, ToolMissing or
    EdgekitError where nothing could be measured.
    """
    from edgekit.verbs._plugged import resolve_port
    from edgekit.verbs.bench_run import prepare

    bundle = read_bundle(Path(folder))
    target = _target(bundle, out, force=force)
    wanted = Wanted(data, eval_samples, seed, calibrated, profile, force, progress)
    material = prepare(bundle.tflite, wanted, bundle.graph)
    port = resolve_port(port, bundle.board)
    return run_bundle(bundle, material, wanted, port=port, out=target, progress=progress)


def run_bundle(
    bundle: Bundle,
    material: Material,
    wanted: Wanted,
    *,
    port: str,
    out: Path | None,
    progress: Progress,
) -> BenchRecord:
    """The second half of `bench`: `material` onto the board, and everything that comes of it."""
    from edgekit.verbs._core_parity import parity_on_core
    from edgekit.verbs.bench_run import measure, write_run

    check_port(bundle, port)
    target = _target(bundle, out, force=wanted.force)
    run = measure(bundle, material, port=port, profile=wanted.profile, progress=progress)
    samples = material.samples
    if samples.scaling and bundle.build and not port:
        progress.say("scaling the samples on the core")
        scaling = parity_on_core(bundle.board, bundle.graph, samples.real, samples.scaling)
        samples = replace(samples, scaling=scaling)
    record = write_run(bundle, samples, run, seed=wanted.seed, target=target)
    if record.bit_exact != record.samples:
        raise OutputsDiffer(record)
    return record


def _target(bundle: Bundle, out: str | Path | None, *, force: bool) -> Path:
    """Where the run is written; EdgekitError where that is somebody else's."""
    from edgekit.artifacts import check_writable

    target = Path(out) if out else bundle.folder / "bench"
    check_writable(target, force=force or target == bundle.folder / "bench")
    return target


def check_port(bundle: Bundle, port: str) -> None:
    """EdgekitError for a project that edgekit did not build, where no board is named."""
    if bundle.build or port:
        return
    raise EdgekitError(
        f"'{bundle.folder}' is a project of the template '{bundle.firmware['template']}', which "
        "edgekit does not build",
        hint=f"build and flash it as {bundle.folder / 'README.md'} says, then give --port",
    )


def _read_build(folder: Path) -> dict[str, Any]:
    from edgekit.artifacts import read_record, sha256_file

    rebuild = f"edgekit build {folder}"
    if not (folder / "build" / "build.json").is_file():
        raise EdgekitError(f"'{folder}' is not built", hint=rebuild)
    build = read_record(folder / "build" / "build.json")
    if build["inputs"].get("firmware") != sha256_file(folder / "firmware.json"):
        raise EdgekitError(f"the build in '{folder}' is of an older project", hint=rebuild)
    return build


def read_bundle(folder: Path) -> Bundle:
    """The project, its build and its model; EdgekitError where they do not belong together."""
    from edgekit.artifacts import read_record
    from edgekit.verbs._named import read_named, with_layers

    firmware = read_record(folder / "firmware.json")
    build = _read_build(folder) if firmware.get("builder", "make") else {}
    # TFLite Micro runs DECODE ops of its own; everything else has plain weights.
    graph = read_named(folder / firmware["tflite"], decode=firmware.get("runtime") != "tflm")
    if graph.sha256 != firmware["model_sha256"]:
        raise EdgekitError(
            f"the model in '{folder}' was changed after the project was written",
            hint="edgekit firmware writes the project anew",
        )
    graph = with_layers(graph, firmware.get("ops") or ())
    return Bundle(folder, load_board(folder / "board.toml"), firmware, build, graph)
