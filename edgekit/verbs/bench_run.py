# SPDX-License-Identifier: Apache-2.0
"""The inside of `bench`: one session with the device, then the record of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.artifacts import hash_tree, sha256_file, staged_folder, write_record
from edgekit.boards import Board
from edgekit.errors import DeviceError, EdgekitError
from edgekit.link.device import Device, Hello
from edgekit.measure.compare import Agreement, compare_outputs
from edgekit.measure.harness import (
    Difference,
    check_tensors,
    first_difference,
    golden_outputs,
    profile_ops,
    read_memory,
    run_samples,
)
from edgekit.measure.stats import Scale, scale_for
from edgekit.progress import Progress
from edgekit.report.markdown import bench_markdown, layers_csv
from edgekit.report.page import report_page
from edgekit.tflite.graph import Graph
from edgekit.verbs._bench_record import Session, bench_record
from edgekit.verbs._cycles import cycles_of, metered_board
from edgekit.verbs._named import read_named
from edgekit.verbs.bench import BenchRecord, Bundle, GoldenSource, Wanted
from edgekit.verbs.golden import golden_for, keeps_layers
from edgekit.verbs.samples import BenchSamples, bench_samples


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """The samples of a bench and their golden outputs: the same for every board."""

    samples: BenchSamples
    golden: tuple[np.ndarray, ...]
    source: GoldenSource


def prepare(tflite: Path, wanted: Wanted, graph: Graph | None = None) -> Material:
    """The samples as `wanted` (data, eval_samples, seed, calibrated, progress) asks for them, and
    what the golden says of each. Only one thread may do so at a time: TFLM's interpreter writes
    to the process's own stderr."""
    graph = graph or read_named(tflite)
    samples = bench_samples(
        graph,
        wanted.data,
        count=wanted.eval_samples,
        seed=wanted.seed,
        calibrated=wanted.calibrated,
    )
    golden = golden_for(tflite)
    outputs = golden_outputs(golden.run, graph, samples.inputs, progress=wanted.progress)
    return Material(samples, outputs, GoldenSource(golden.by, golden.version))


def measure(
    bundle: Bundle, material: Material, *, port: str, profile: bool, progress: Progress
) -> Session:
    """Every sample on the device, then what a difference needs."""
    graph, samples, expected = bundle.graph, material.samples, material.golden
    with metered_board(bundle.board, bundle.elf, port=port) as device:
        hello = device.hello(model_sha256=graph.sha256)
        _check_board(hello, bundle.board)
        _check_started(hello)
        scale = _scale(hello, bundle.board, port)
        check_tensors(graph, *device.tensors())
        run = run_samples(device, graph, samples.inputs, progress=progress)
        zero_points = [_zero_point(graph, index) for index in graph.outputs]
        agreement = compare_outputs(run.outputs, expected, zero_points=zero_points)
        wanted = profile and hello.has_invoke_op
        ticks = profile_ops(device, samples.inputs, len(bundle.ops)) if wanted else ()
        difference = _difference(device.device, hello, bundle, samples, agreement)
        memory = read_memory(device, samples.inputs)
    source = material.source
    cycles = cycles_of(device, bundle.board, warmup=run.warmup)
    return Session(
        hello, run, ticks, memory, expected, source, agreement, difference, scale, cycles
    )


def _check_board(hello: Hello, board: Board) -> None:
    if hello.board != board.id:
        raise EdgekitError(
            f"the firmware that answered was built for '{hello.board}', not for '{board.id}'",
            hint="is another board on this port?",
        )


# What firmware/tflm/ek_model_tflm.cpp returns from init.
_TFLM_STATUS = {
    1: "the .tflite file has a schema that this TFLite Micro does not know",
    2: "an operator could not be added to the resolver",
    3: "TFLite Micro did not accept the tensor arena of {:,} bytes",
    4: "the inputs or outputs are not those of the .tflite file",
}


def _check_started(hello: Hello) -> None:
    """DeviceError, with the runtime's own reason, where the model's init failed."""
    if hello.model_status == 0:
        return
    words = _TFLM_STATUS if hello.runtime == "tflm" else {}
    why = words.get(hello.model_status, f"its init returned status {hello.model_status}")
    raise DeviceError(
        f"the model could not start: {why.format(hello.arena_bytes)}",
        hint="run edgekit firmware again without --arena-bytes, or with a larger one"
        if hello.model_status == 3
        else "build the firmware again; report this with the model if it stays",
    )


def _scale(hello: Hello, board: Board, port: str) -> Scale:
    """Instructions where edgekit started the emulator itself, which is what counts them."""
    shift = board.emulator.icount_shift if board.emulator and not port else None
    return scale_for(board.kind, hello.counter_hz, shift)


def _zero_point(graph: Graph, index: int) -> int:
    quant = graph.tensor(index).quant
    return quant.zero_point if quant and graph.tensor(index).dtype != "float32" else 0


def _difference(
    device: Device, hello: Hello, bundle: Bundle, samples: BenchSamples, agreement: Agreement
) -> Difference | None:
    """The first layer that differs on the first sample that does; None where all are equal."""
    if agreement.first_sample is None:
        return None
    sample = agreement.first_sample
    shown = hello.has_arena or hello.has_op_output
    if not (shown and hello.has_invoke_op):
        return Difference("", sample, reason="this runtime does not show the layers' outputs")
    if not keeps_layers():
        return Difference("", sample, reason="without TFLM's interpreter layers have no golden")
    golden = golden_for(bundle.tflite, preserve=True)
    golden.run([array[sample] for array in samples.inputs])
    offsets = {int(index): place["offset"] for index, place in bundle.firmware["plan"].items()}
    if hello.has_op_output:
        offsets = {}
    return first_difference(
        device, bundle.graph, offsets, golden.tensor, samples.inputs, sample, bundle.ops
    )


def write_run(
    bundle: Bundle, samples: BenchSamples, session: Session, *, seed: int, target: Path
) -> BenchRecord:
    """Write outputs, ticks, layers, the report and the record to the folder `target`."""
    record = bench_record(bundle, samples, session, target, seed)
    with staged_folder(target, "bench", force=True) as folder:
        np.savez_compressed(folder / "outputs.npz", **_arrays(samples, session))  # type: ignore[arg-type]
        rows = (f"{sample},{ticks}\n" for sample, ticks in enumerate(session.run.ticks))
        (folder / "ticks.csv").write_text("sample,ticks\n" + "".join(rows))
        (folder / "layers.csv").write_text(layers_csv(record))
        (folder / "report.html").write_text(report_page(record, ticks=session.run.ticks))
        (folder / "report.md").write_text(bench_markdown(record))
        files = hash_tree(folder)
    inputs = {"model": bundle.graph.sha256}
    if bundle.build:
        inputs["elf"] = sha256_file(bundle.elf)
    if samples.sha256:
        inputs["data"] = samples.sha256
    write_record(target, "bench", record, inputs=inputs, files=files)
    return record


def _arrays(samples: BenchSamples, session: Session) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {"ticks": np.array(session.run.ticks, np.int64)}
    groups = {
        "inputs": samples.inputs,
        "outputs": session.run.outputs,
        "golden": session.golden,
    }
    for name, group in groups.items():
        for position, array in enumerate(group):
            arrays[f"{name}_{position}" if position else name] = array
    if samples.labels is not None:
        arrays["labels"] = samples.labels
    return arrays
