# SPDX-License-Identifier: Apache-2.0
"""The inside of `bench`: one session with the device, then the record of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.artifacts import hash_tree, sha256_file, staged_folder, write_record
from edgekit.boards import Board
from edgekit.errors import DeviceError, EdgekitError
from edgekit.link.device import Device, Hello, MemoryUse
from edgekit.lower.build import macs
from edgekit.measure.compare import Agreement, Score, compare_outputs, score
from edgekit.measure.harness import (
    Difference,
    Run,
    check_tensors,
    first_difference,
    golden_outputs,
    profile_ops,
    run_samples,
)
from edgekit.measure.stats import Latency, Scale, scale_for
from edgekit.progress import Progress
from edgekit.quantize.arrays import dequantize_array
from edgekit.tflite.graph import Graph
from edgekit.verbs._arena import used_arena_words
from edgekit.verbs._cycles import Cycles, cycles_of, metered_board
from edgekit.verbs.bench import BenchMemory, BenchRecord, Bundle, GoldenSource
from edgekit.verbs.golden import golden_for, keeps_layers
from edgekit.verbs.samples import BenchSamples


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """Everything that one session with the device gave."""

    hello: Hello
    run: Run
    op_ticks: tuple[int, ...]
    memory: MemoryUse
    golden: tuple[np.ndarray, ...]
    source: GoldenSource
    agreement: Agreement
    difference: Difference | None
    scale: Scale
    cycles: Cycles


def measure(
    bundle: Bundle, samples: BenchSamples, *, port: str, profile: bool, progress: Progress
) -> Session:
    """Golden outputs first, then every sample on the device, then what a difference needs."""
    graph = bundle.graph
    golden = golden_for(bundle.tflite)
    expected = golden_outputs(golden.run, graph, samples.inputs, progress=progress)
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
        memory = device.memory()
    source = GoldenSource(golden.by, golden.version)
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


def write_run(bundle: Bundle, samples: BenchSamples, session: Session, *, seed: int) -> BenchRecord:
    """Write outputs, ticks and the record to the folder's `bench/`."""
    target = bundle.folder / "bench"
    with staged_folder(target, "bench", force=True) as folder:
        np.savez_compressed(folder / "outputs.npz", **_arrays(samples, session))  # type: ignore[arg-type]
        rows = (f"{sample},{ticks}\n" for sample, ticks in enumerate(session.run.ticks))
        (folder / "ticks.csv").write_text("sample,ticks\n" + "".join(rows))
        files = hash_tree(folder)
    record = _record(bundle, samples, session, target, seed)
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


def _record(
    bundle: Bundle, samples: BenchSamples, session: Session, target: Path, seed: int
) -> BenchRecord:
    hello, agreement = session.hello, session.agreement
    graded = _score(bundle.graph, session.run.outputs, samples)
    reference = _score(bundle.graph, session.golden, samples)
    latency = Latency(hello.counter, hello.counter_hz, session.run.ticks)
    return BenchRecord(
        **_origin(bundle, samples, session),
        samples=agreement.samples,
        bit_exact=agreement.bit_exact,
        max_abs_diff=agreement.max_abs_diff,
        diff_unit=agreement.unit,
        rmse=agreement.rmse,
        mae=agreement.mae,
        cosine=agreement.cosine,
        accuracy=graded.accuracy if graded else None,
        golden_accuracy=reference.accuracy if reference else None,
        confusion=graded.confusion if graded else None,
        latency=latency.summary(session.scale, warmup=session.run.warmup),
        memory=_memory(bundle.build, session.memory),
        outputs=target / "outputs.npz",
        ticks=target / "ticks.csv",
        cycles=session.cycles.facts,
        layers=_layers(bundle, session),
        golden=session.source,
        first_difference=session.difference,
        seed=seed,
    )


def _origin(bundle: Bundle, samples: BenchSamples, session: Session) -> dict[str, Any]:
    """The fields of the record that say what ran where, and on what."""
    source, hello = samples.source, session.hello
    return {
        "name": bundle.firmware["name"],
        "board": bundle.board.id,
        "runtime": hello.runtime,
        "runtime_version": hello.runtime_version,
        "kernels": hello.kernels,
        "counter": hello.counter,
        "clock_hz": hello.counter_hz,
        "kind": bundle.board.kind,
        "classes": samples.classes,
        # a file's folder is of this machine, its name is enough beside its hash
        "data": Path(source).name if "/" in source else source,
        "model_sha256": bundle.graph.sha256,
        "build_id": hello.build_id,
        "compiler": bundle.build.get("compiler", ""),
        "optimize": bundle.firmware["optimize"],
        "warnings": (
            *samples.warnings,
            *bundle.build.get("warnings", ()),
            *_arena_words(bundle, session),
        ),
    }


def _arena_words(bundle: Bundle, session: Session) -> list[str]:
    """What is to be said of an interpreter's arena; generated C uses all of its own."""
    used = session.memory
    if bundle.firmware["runtime"] != "tflm" or not used.arena_used_bytes:
        return []
    plans = bundle.firmware.get("arena_plans") or {}
    words = used_arena_words(used.arena_used_bytes, used.arena_bytes, session.hello.kernels, plans)
    return [words] if words else []


def _memory(build: dict[str, Any], used: MemoryUse) -> BenchMemory:
    return BenchMemory(
        flash_bytes=build.get("flash_bytes"),
        model_flash_bytes=build.get("model_flash_bytes"),
        ram_bytes=build.get("ram_bytes"),
        arena_bytes=used.arena_bytes,
        arena_used_bytes=used.arena_used_bytes,
        stack_bytes=used.stack_used_bytes if used.stack_reserved_bytes else None,
    )


def _score(graph: Graph, outputs: tuple[np.ndarray, ...], samples: BenchSamples) -> Score | None:
    if samples.labels is None:
        return None
    quant = graph.tensor(graph.outputs[0]).quant
    real = outputs[0]
    if quant is not None:
        real = dequantize_array(real, quant.scale, quant.zero_point)
    return score(real, samples.labels)


def _layers(bundle: Bundle, session: Session) -> tuple[dict[str, Any], ...]:
    if not session.op_ticks:
        return ()
    graph, rows = bundle.graph, bundle.firmware.get("ops") or ()
    layers = []
    for position, (run, ticks) in enumerate(zip(bundle.ops, session.op_ticks, strict=True)):
        op = graph.ops[run.origin[0]]
        asked = sum(macs(graph.ops[index], graph) for index in run.origin)
        if bundle.firmware["runtime"] == "tflm" and rows:
            asked = rows[position]["macs"]  # the graph here has its weights encoded
        layers.append(
            {
                "index": op.index,
                "op": op.kind,
                "layer": op.layer,
                "macs": asked,
                "macs_run": rows[position]["macs"] if rows else asked,
                "origin": run.origin,
                "ticks": ticks,
                session.scale.unit: session.scale.of(ticks),
                **session.cycles.of_layer(position),
            }
        )
    return tuple(layers)
