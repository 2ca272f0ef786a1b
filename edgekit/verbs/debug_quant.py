# SPDX-License-Identifier: Apache-2.0
"""`edgekit.debug_quant()`: where the accuracy of a quantized model went, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit import artifacts
from edgekit.errors import EdgekitError
from edgekit.progress import SILENT, Progress
from edgekit.quantize.debug.losses import LayerLoss, Losses
from edgekit.quantize.debug.verdict import Verdict

if TYPE_CHECKING:
    from edgekit.tflite.graph import Graph
    from edgekit.verbs._debugged import Subject

STAGE = "debug_quant"


@dataclass(frozen=True, slots=True)
class DebugQuantRecord:
    """What quantization costs, on `samples` samples. dB are signal over quantization noise.

    `output_db` is of TFLite Micro's outputs, `simulated_db` of the model in which layers were
    tried one by one (before a softmax at the end); `agreement` is the share of samples for which
    int8 and float choose the same class, None where the output is no class. `findings` are about
    the model as a whole, `verdicts` name layers, the worst first. `layers` are in the model's
    order.
    """

    source: str
    source_sha256: str
    data: str
    tflite: str
    tflite_sha256: str
    calibration: str
    samples: int
    seed: int
    output_db: float
    simulated_db: float
    agreement: float | None
    findings: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    layers: tuple[LayerLoss, ...]
    warnings: tuple[str, ...]
    report: Path


def debug_quant(
    model: Any,
    data: Any = None,
    *,
    out: str | Path,
    tflite: str | Path | None = None,
    samples: int = 200,
    eval_samples: int = 24,
    calibration: str = "mse",
    seed: int = 0,
    custom: tuple[Any, ...] = (),
    force: bool = False,
    progress: Progress = SILENT,
) -> DebugQuantRecord:
    """Quantize the float `model`, and find which layers cost its outputs what.

    `data`, `samples` and `calibration` are as `edgekit.convert` takes them; `eval_samples` are
    looked at, every layer's values on them. With `tflite` it is that int8 file of the same model
    that is looked at. `out` receives `debug_quant.html` and `debug_quant.json`. Raises EdgekitError
    where the model cannot be quantized, data have another scale than it was trained on, or TFLite
    Micro's interpreter is not there to show the layers.
    """
    from edgekit.verbs._debugged import load_subject

    out = Path(out)
    artifacts.check_writable(out, force=force)
    if eval_samples < 1 or samples < 1:
        raise EdgekitError(
            f"{samples} calibration and {eval_samples} samples to look at are asked for",
            hint="give --samples 1 or more (200 are enough), --eval-samples 1 or more",
        )
    subject = load_subject(
        model, data, tflite, samples, eval_samples, calibration, seed, custom, progress
    )
    record = _record(subject, out, seed, progress)
    _write(record, out, subject, force=force)
    return record


def _record(subject: Subject, out: Path, seed: int, progress: Progress) -> DebugQuantRecord:
    from edgekit.quantize.checks.agreement import agreements
    from edgekit.quantize.debug.losses import bounded_db
    from edgekit.quantize.debug.verdict import ranked

    outputs, real = _run_int8(subject, progress)
    evidence = subject.evidence(outputs)
    agreed = agreements(evidence)
    losses = _losses(subject, real, progress)
    output_db = bounded_db(min(found.sqnr_db for found in agreed))
    return DebugQuantRecord(
        source=subject.source,
        source_sha256=subject.source_sha256,
        data=subject.data,
        tflite=subject.tflite_name,
        tflite_sha256=subject.graph.sha256,
        calibration=subject.calibration,
        samples=len(subject.x[0]),
        seed=seed,
        output_db=output_db,
        simulated_db=losses.output_db,
        agreement=agreed[0].argmax,
        findings=tuple(subject.findings(evidence)),
        verdicts=ranked(losses, output_db),
        layers=losses.layers,
        warnings=subject.warnings,
        report=out / "debug_quant.html",
    )


def _run_int8(
    subject: Subject, progress: Progress
) -> tuple[list[np.ndarray], dict[int, np.ndarray]]:
    """Outputs of the int8 model as real numbers, and every activation by its index."""
    from edgekit.quantize.agree import real_outputs
    from edgekit.tflite.golden import TflmGolden

    golden = TflmGolden(subject.tflite, preserve=True, graph=subject.graph)
    wanted = _activations(subject.graph, subject.aligned)
    values: dict[int, list[np.ndarray]] = {index: [] for index in wanted}
    with progress.task("int8 model", len(subject.x[0])) as task:

        def look() -> None:
            for index, kept in values.items():
                kept.append(golden.tensor(index))
            task.advance()

        outputs = real_outputs(golden, subject.graph, subject.x, look)
    return outputs, {i: _real(subject.graph, i, kept) for i, kept in values.items()}


def _activations(graph: Graph, aligned: Sequence[Any]) -> list[int]:
    found = [t.index for step in aligned for _, t in step.outputs if t.quant is not None]
    return list(dict.fromkeys(found))


def _real(graph: Graph, index: int, kept: Sequence[np.ndarray]) -> np.ndarray:
    from edgekit.quantize.arrays import dequantize_array

    quant = graph.tensor(index).q
    return dequantize_array(np.concatenate(kept), quant.scale, quant.zero_point)


def _losses(subject: Subject, real: dict[int, np.ndarray], progress: Progress) -> Losses:
    from edgekit.quantize.debug.losses import find_losses, variants
    from edgekit.quantize.debug.simulate import Simulation

    simulation = Simulation(subject.float_file, subject.aligned, subject.x)
    with progress.task("one layer at a time", variants(subject.aligned)) as task:
        return find_losses(simulation, subject.aligned, subject.floats, real, task.advance)


def _write(record: DebugQuantRecord, out: Path, subject: Subject, *, force: bool) -> None:
    from edgekit.report.quant import quant_page

    with artifacts.staged_folder(out, STAGE, force=force) as folder:
        (folder / record.report.name).write_text(quant_page(record))
        files = artifacts.hash_tree(folder)
    inputs = {record.source: record.source_sha256}
    if subject.data_sha256:
        inputs[record.data] = subject.data_sha256
    artifacts.write_record(out, STAGE, record, inputs=inputs, files=files)
