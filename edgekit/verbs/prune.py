# SPDX-License-Identifier: Apache-2.0
"""`edgekit.prune()`: a trained Keras model to one with exact zeros, fine-tuned where it can be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.artifacts import sha256_file, write_record
from edgekit.progress import SILENT, Progress
from edgekit.verbs._pruning import Pruned, beside, check_out, own_copy, prune_copy, save_model

if TYPE_CHECKING:
    from edgekit.model.load import LoadedModel
    from edgekit.prune.masks import Choice, Masks


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One kernel: `sparsity` is zeros over weights; `protected` why it was left alone, or ""."""

    name: str
    shape: tuple[int, ...]
    weights: int
    sparsity: float
    protected: str


@dataclass(frozen=True, slots=True)
class PruneRecord:
    """What pruning did. Sparsities and accuracies are fractions of one.

    `sparsity` is zeros over weights in the kernels not protected, `sparsity_all` in all kernels.
    `accuracy` is of the float model on `samples` that it was not fine-tuned on. `macs` counts
    multiply-accumulates of one inference, `nonzero` those with a weight that is not zero.
    `fine_tuning` is None where the weights were zeroed at once.
    """

    model: Path
    source: str
    source_sha256: str
    method: str
    structure: str
    scope: str
    schedule: str
    target_sparsity: float
    sparsity: float
    sparsity_all: float
    layers: tuple[LayerRow, ...]
    accuracy: dict[str, float] | None
    macs: dict[str, int] | None
    fine_tuning: dict[str, Any] | None
    warnings: tuple[str, ...]


def prune(
    model: Any,
    data: Any = None,
    *,
    out: str | Path,
    sparsity: float = 0.75,
    schedule: Any = "polynomial",
    method: str = "magnitude",
    scope: str = "global",
    structure: str = "unstructured",
    keep: tuple[str, ...] = (),
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float = 1e-3,
    seed: int = 0,
    custom: tuple[Any, ...] = (),
    force: bool = False,
    progress: Progress = SILENT,
) -> PruneRecord:
    """Write a pruned copy of `model` to the file `out` (.keras) and `<stem>.prune.json` beside it.

    With labelled `data` (or, for a model whose output has its input's shape, any data) the model
    is fine-tuned while the sparsity rises; without, and with `epochs=0`, the weights are zeroed
    at once. Raises EdgekitError for a model, target or data that do not serve, and where the
    zeros do not come out within half a point of `sparsity`. A live `model` is left as it is.
    """
    from edgekit.model.load import load_model
    from edgekit.prune.finetune import Budget
    from edgekit.prune.masks import Choice, check_reached, check_target
    from edgekit.prune.schedule import bound_schedule, schedule_name

    out = Path(out)
    check_target(sparsity)
    bound_schedule(schedule, sparsity, 1)
    check_out(out, force=force)
    progress.say("loading the model")
    loaded = load_model(model, custom=custom)
    keras_model, choice = own_copy(loaded), Choice(method, scope, structure, keep)
    budget = Budget(epochs, batch_size, learning_rate, seed)
    done = prune_copy(loaded, keras_model, data, sparsity, schedule, choice, budget, progress)
    check_reached(done.masks.sparsity, sparsity)
    record = _record(out, loaded, done, choice, sparsity, schedule_name(schedule))
    save_model(keras_model, out)
    inputs = {record.source: loaded.sha256} | done.data_hash
    files = {out.name: sha256_file(out)}
    write_record(out.parent, "prune", record, inputs=inputs, files=files, file_name=beside(out))
    return record


def _record(
    out: Path, loaded: LoadedModel, done: Pruned, choice: Choice, sparsity: float, schedule: str
) -> PruneRecord:
    return PruneRecord(
        model=out,
        source=loaded.source.name if loaded.source else loaded.name,
        source_sha256=loaded.sha256,
        method=choice.method,
        structure=choice.structure,
        scope=choice.scope,
        schedule=schedule,
        target_sparsity=sparsity,
        sparsity=done.masks.sparsity,
        sparsity_all=done.masks.sparsity_all,
        layers=_layers(done.masks),
        accuracy=done.accuracy,
        macs=_macs(done.masks),
        fine_tuning=done.fine_tuning,
        warnings=done.warnings,
    )


def _layers(masks: Masks) -> tuple[LayerRow, ...]:
    rows = []
    for kernel in masks.kernels:
        values = kernel.values()
        rows.append(
            LayerRow(
                name=kernel.name,
                shape=tuple(values.shape),
                weights=values.size,
                sparsity=float(np.mean(values == 0)),
                protected=kernel.protected,
            )
        )
    return tuple(rows)


def _macs(masks: Masks) -> dict[str, int] | None:
    """None where an open shape leaves the number of positions unknown."""
    total = nonzero = 0
    for kernel in masks.kernels:
        if kernel.positions is None:
            return None
        values = kernel.values()
        total += kernel.positions * values.size
        nonzero += kernel.positions * int(np.count_nonzero(values))
    return {"before": total, "after": total, "nonzero": nonzero}
