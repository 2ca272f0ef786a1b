# SPDX-License-Identifier: Apache-2.0
"""The record of a bench, from what one session with the device gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.link.device import Hello, MemoryUse
from edgekit.lower.build import macs
from edgekit.measure.compare import Agreement, Score, score
from edgekit.measure.harness import Difference, Run, RunOp
from edgekit.measure.prediction import error_of, prediction_error
from edgekit.measure.stats import Latency, Scale
from edgekit.quantize.arrays import dequantize_array
from edgekit.tflite.graph import Graph
from edgekit.verbs._arena import used_arena_words
from edgekit.verbs._cycles import Cycles
from edgekit.verbs.bench import BenchMemory, BenchRecord, Bundle, GoldenSource
from edgekit.verbs.samples import BenchSamples

MOST_TICKS = 0xFFFFFFFF  # what the device answers for an op that took as long or longer


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


def bench_record(
    bundle: Bundle, samples: BenchSamples, session: Session, target: Path, seed: int
) -> BenchRecord:
    """The record of a run whose files are in the folder `target`."""
    hello, agreement = session.hello, session.agreement
    graded = _score(bundle.graph, session.run.outputs, samples)
    reference = _score(bundle.graph, session.golden, samples)
    latency = Latency(hello.counter, hello.counter_hz, session.run.ticks)
    layers = bench_layers(bundle, session)
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
        report=target / "report.html",
        outputs=target / "outputs.npz",
        ticks=target / "ticks.csv",
        cycles=session.cycles.facts,
        layers=layers,
        prediction=prediction_error(layers),
        golden=session.source,
        scaling=samples.scaling,
        first_difference=session.difference,
        seed=seed,
    )


def _origin(bundle: Bundle, samples: BenchSamples, session: Session) -> dict[str, Any]:
    """The fields of the record that say what ran where, and on what."""
    source, hello = samples.source, session.hello
    limits = bundle.board.memory
    return {
        "name": bundle.firmware["name"],
        "board": bundle.board.id,
        "core": bundle.board.core,
        "limits": {"flash_bytes": limits.flash_bytes, "ram_bytes": limits.ram_bytes},
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
            *_stream_words(bundle),
            *session.run.interrupted,
            *_profile_words(session),
        ),
    }


def _profile_words(session: Session) -> list[str]:
    if MOST_TICKS not in session.op_ticks:
        return []
    op = session.op_ticks.index(MOST_TICKS)
    return [f"op {op} took more ticks than a profile can hold: no layer's time is shown"]


def _stream_words(bundle: Bundle) -> list[str]:
    """What no figure of this run holds."""
    if not bundle.firmware.get("stream_rows"):
        return []
    layer = bundle.firmware["ops"][0]["layer"]
    return [f"layer '{layer}' runs as the input's rows arrive: latency and cycles are without it"]


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


def bench_layers(bundle: Bundle, session: Session) -> tuple[dict[str, Any], ...]:
    """One row per op that the device runs; none where they were not or could not be timed."""
    if not session.op_ticks or MOST_TICKS in session.op_ticks:
        return ()
    total = sum(session.op_ticks) or 1
    layers = []
    for position, (run, ticks) in enumerate(zip(bundle.ops, session.op_ticks, strict=True)):
        row = _named(bundle, position, run)
        row |= {
            "ticks": ticks,
            session.scale.unit: session.scale.of(ticks),
            "share": round(ticks / total, 6),
            "ticks_per_mac": round(ticks / row["macs_run"], 6) if row["macs_run"] else None,
            **session.cycles.of_layer(position),
        }
        layers.append(row | _foretold(row, bundle.firmware.get("ops") or (), position))
    return tuple(layers)


def _named(bundle: Bundle, position: int, run: RunOp) -> dict[str, Any]:
    """What the op is, and how many MACs the file and the device have of it."""
    graph, rows = bundle.graph, bundle.firmware.get("ops") or ()
    op = graph.ops[run.origin[0]]
    asked = sum(macs(graph.ops[index], graph) for index in run.origin)
    if bundle.firmware["runtime"] == "tflm" and rows:
        asked = rows[position]["macs"]  # the graph here has its weights encoded
    return {
        "index": op.index,
        "op": op.kind,
        "layer": op.layer,
        "macs": asked,
        "macs_run": rows[position]["macs"] if rows else asked,
        "origin": run.origin,
    }


def _foretold(row: dict[str, Any], rows: Any, position: int) -> dict[str, Any]:
    """The way that was chosen for the op, what was predicted, and how far off that was: only
    counted instructions can be held against predicted ones."""
    told = rows[position] if rows else {}
    if "way" not in told:
        return {}
    keys = ("way", "predicted_instructions", "predicted_cycles")
    found = {key: told.get(key) for key in keys}
    comparable = found["predicted_instructions"] and row.get("instructions")
    return found | {"prediction_error": error_of(row | found) if comparable else None}
