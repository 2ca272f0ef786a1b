# SPDX-License-Identifier: Apache-2.0
"""`edgekit.cluster()`: a Keras model whose kernels hold only a few different values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.artifacts import sha256_file, write_record
from edgekit.errors import EdgekitError
from edgekit.progress import SILENT, Progress
from edgekit.verbs._pruned_files import beside, check_out

if TYPE_CHECKING:
    from edgekit.model.dataset import Split
    from edgekit.model.load import LoadedModel
    from edgekit.prune.tfmot_engine import Samples, TfmotResult


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One kernel: how many different values it held `before` and holds `after`.

    `clustered` is False where it was left alone (depthwise, small, or kept by request).
    """

    name: str
    shape: tuple[int, ...]
    weights: int
    before: int
    after: int
    clustered: bool


@dataclass(frozen=True, slots=True)
class ClusterRecord:
    """What clustering did. Accuracies are fractions of one, of the float model.

    `index_bits` is what an index of a value takes. `accuracy` is over `accuracy["samples"]`
    samples that were not trained on; `fine_tuning` is None where nothing was trained.
    `keras2_difference` is how far Keras 2's outputs are from Keras 3's, in parts of the largest.
    """

    model: Path
    source: str
    source_sha256: str
    clusters: int
    start: str
    index_bits: int
    layers: tuple[ClusterRow, ...]
    accuracy: dict[str, float] | None
    fine_tuning: dict[str, Any] | None
    versions: dict[str, str]
    keras2_difference: float
    warnings: tuple[str, ...]


def cluster(
    model: Any,
    data: Any = None,
    *,
    out: str | Path,
    clusters: int = 16,
    start: str = "kmeans",
    keep: tuple[str, ...] = (),
    epochs: int = 1,
    batch_size: int = 128,
    learning_rate: float = 1e-4,
    seed: int = 0,
    custom: tuple[Any, ...] = (),
    force: bool = False,
    progress: Progress = SILENT,
) -> ClusterRecord:
    """Write a copy of `model` with at most `clusters` values in each kernel to `out` (.keras).

    With labelled `data` the values are fine-tuned for `epochs` (0: not at all), and accuracy is
    measured before and after on samples that were not trained on. `start` says where the values
    begin: "kmeans", "linear", "density" or "random". tensorflow-model-optimization does the work
    in a process of its own: ToolMissing where it is not installed, EdgekitError for a model or
    data that do not serve.
    """
    from edgekit.prune.tfmot_engine import cluster_with_tfmot, need_tfmot

    out = Path(out)
    need_tfmot()
    first = _start(start)
    check_out(out, force=force, stage="cluster")
    loaded = _loaded(model, custom, progress)
    train, held_out, hashes, warnings = _data(loaded, data, seed)
    samples = _samples(train, epochs, batch_size, learning_rate)
    options: dict[str, Any] = {"clusters": clusters, "start": first, "keep": keep, "seed": seed}
    result = cluster_with_tfmot(loaded.keras, samples, **options, progress=progress)
    accuracy = _compared(loaded.keras, result.model, held_out)
    record = _record(out, loaded, result, clusters, start, accuracy, samples, warnings)
    _save(result.model, out)
    inputs = {record.source: loaded.sha256} | hashes
    files = {out.name: sha256_file(out)}
    write_record(
        out.parent, "cluster", record, inputs=inputs, files=files, file_name=beside(out, "cluster")
    )
    return record


STARTS = {
    "kmeans": "KMEANS_PLUS_PLUS",
    "linear": "LINEAR",
    "density": "DENSITY_BASED",
    "random": "RANDOM",
}


def _start(name: str) -> str:
    if name not in STARTS:
        raise EdgekitError(f"there is no start '{name}'", hint=f"one of: {', '.join(STARTS)}")
    return STARTS[name]


def _data(
    loaded: LoadedModel, data: Any, seed: int
) -> tuple[Split | None, Split | None, dict[str, str], tuple[str, ...]]:
    """What is trained on, what is scored, the data's hash, and remarks."""
    from edgekit.model.data import load_data
    from edgekit.verbs._lessons import splits

    if data is None:
        return None, None, {}, ("no data: values were chosen at once and accuracy is not known",)
    dataset = load_data(data, loaded.inputs)
    hashes = {Path(dataset.source).name: dataset.sha256} if dataset.sha256 else {}
    if dataset.train.y is None:
        remark = "the data have no labels: nothing was fine-tuned and accuracy is not known"
        return None, None, hashes, (*dataset.warnings, remark)
    train, held_out = splits(dataset, seed)
    return train, held_out, hashes, tuple(dataset.warnings)


def _samples(
    train: Split | None, epochs: int, batch_size: int, learning_rate: float
) -> Samples | None:
    from edgekit.prune.tfmot_engine import Samples

    if train is None or train.y is None or epochs == 0:
        return None
    return Samples(train.arrays(), train.y, epochs, min(batch_size, len(train)), learning_rate)


def _loaded(model: Any, custom: tuple[Any, ...], progress: Progress) -> LoadedModel:
    from edgekit.model.load import load_model

    progress.say("loading the model")
    loaded = load_model(model, custom=custom)
    if loaded.keras is None:
        raise EdgekitError(
            f"'{loaded.source}' is a SavedModel without Keras layers; it can only be converted",
            hint="cluster the .keras or .h5 file that it was exported from",
        )
    return loaded


def _compared(before: Any, after: Any, split: Split | None) -> dict[str, float] | None:
    from edgekit.verbs._scoring import accuracies, compared

    return compared(accuracies(before, split), after, split)[0]


def _record(
    out: Path,
    loaded: LoadedModel,
    result: TfmotResult,
    clusters: int,
    start: str,
    accuracy: dict[str, float] | None,
    samples: Samples | None,
    warnings: tuple[str, ...],
) -> ClusterRecord:
    tuning = None
    if samples is not None:
        plan = {f.name: getattr(samples, f.name) for f in dataclasses.fields(samples)}
        tuning = {k: v for k, v in plan.items() if k not in ("x", "y")}
        tuning["samples"] = len(samples.y)
    return ClusterRecord(
        model=out,
        source=loaded.source.name if loaded.source else loaded.name,
        source_sha256=loaded.sha256,
        clusters=clusters,
        start=start,
        index_bits=max(1, (clusters - 1).bit_length()),
        layers=_rows(loaded.keras, result),
        accuracy=accuracy,
        fine_tuning=tuning,
        versions={"tensorflow-model-optimization": result.version},
        keras2_difference=max(result.off_before, result.off_after),
        warnings=warnings,
    )


def _rows(before: Any, result: TfmotResult) -> tuple[ClusterRow, ...]:
    from edgekit.prune.targets import find_kernels

    rows = []
    for old, new in zip(find_kernels(before), find_kernels(result.model), strict=True):
        values = new.values()
        rows.append(
            ClusterRow(
                name=old.name,
                shape=tuple(values.shape),
                weights=values.size,
                before=len(np.unique(old.values())),
                after=len(np.unique(values)),
                clustered=old.name in result.layers,
            )
        )
    return tuple(rows)


def _save(model: Any, out: Path) -> None:
    from edgekit.verbs._pruned_files import save_model

    save_model(model, out)
