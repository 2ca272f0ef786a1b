# SPDX-License-Identifier: Apache-2.0
"""The parts of `prune` round the masks: which samples train, what is scored, where it is saved."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.artifacts import check_writable, read_record, sha256_file
from edgekit.errors import EdgekitError
from edgekit.progress import Progress

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset, Split
    from edgekit.model.load import LoadedModel
    from edgekit.prune.finetune import Budget
    from edgekit.prune.masks import Choice, Masks

LEAST_HELD_OUT = 100  # samples that are scored and not trained on, where there is no test pair


@dataclass(frozen=True, slots=True, eq=False)
class Pruned:
    masks: Masks
    accuracy: dict[str, float] | None
    fine_tuning: dict[str, Any] | None
    warnings: tuple[str, ...]
    data_hash: dict[str, str]


def prune_copy(
    loaded: LoadedModel,
    copy: Any,
    data: Any,
    sparsity: float,
    schedule: Any,
    choice: Choice,
    budget: Budget,
    progress: Progress,
) -> Pruned:
    """Prune the Keras model `copy`, with fine-tuning where `data` give something to learn."""
    from edgekit.model.data import load_data
    from edgekit.prune.finetune import prune_at_once

    dataset = load_data(data, loaded.inputs) if data is not None else None
    train, held_out = _splits(dataset, budget.seed) if dataset else (None, None)
    before = _accuracy(copy, held_out)
    targets = _targets(loaded, train)
    warnings = tuple(dataset.warnings) if dataset else ()
    fine_tuning = None
    if train is not None and targets is not None and budget.epochs != 0:
        budget = budget.resolved(len(train))
        masks = _fit(copy, train, targets, sparsity, schedule, choice, budget, progress)
        fine_tuning = dataclasses.asdict(budget) | {"samples": len(train)}
    else:
        masks = prune_at_once(copy, sparsity, choice)
        if budget.epochs != 0:
            warnings += ("nothing to learn from: weights were zeroed at once; give labelled data",)
    accuracy = None
    if before is not None and held_out is not None:
        after = _accuracy(copy, held_out)
        accuracy = {"before": before, "after": after or 0.0, "samples": len(held_out)}
    digest = {Path(dataset.source).name: dataset.sha256} if dataset and dataset.sha256 else {}
    return Pruned(masks, accuracy, fine_tuning, warnings, digest)


def _fit(
    copy: Any,
    train: Split,
    targets: np.ndarray,
    sparsity: float,
    schedule: Any,
    choice: Choice,
    budget: Budget,
    progress: Progress,
) -> Masks:
    from edgekit.prune.finetune import fine_tune
    from edgekit.prune.pruner import pruner_class

    pruner = pruner_class()(sparsity, schedule=schedule, **dataclasses.asdict(choice))
    fine_tune(copy, train.arrays(), targets, pruner, budget, progress)
    masks: Masks = pruner.masks
    return masks


def _splits(dataset: Dataset, seed: int) -> tuple[Split, Split]:
    """What is trained on and what is scored: the test pair, or the start of the permutation.

    That start is also what convert and bench score, so they never score what was trained on.
    """
    if dataset.test is not None:
        return dataset.train, dataset.test
    count = len(dataset.train)
    kept = min(max(count // 10, LEAST_HELD_OUT), count // 3)
    order = np.random.default_rng(seed).permutation(count)
    return dataset.train.take(order[kept:]), dataset.train.take(order[:kept])


def _targets(loaded: LoadedModel, train: Split | None) -> np.ndarray | None:
    """Labels, or the inputs themselves for a model that gives back what it is given."""
    if train is None or len(loaded.keras.outputs) != 1:
        return None
    if train.y is not None:
        return train.y
    same = tuple(loaded.keras.outputs[0].shape[1:]) == loaded.inputs[0].shape
    if len(loaded.inputs) == 1 and same:
        return np.asarray(train.arrays()[0], np.float32)
    return None


def _accuracy(model: Any, split: Split | None) -> float | None:
    from edgekit.measure.compare import score
    from edgekit.model.load import BATCH, call_keras

    if split is None or not len(split) or not split.labelled or len(model.outputs) != 1:
        return None
    assert split.y is not None
    if model.outputs[0].shape[-1] == 1 and not np.isin(split.y, (0, 1)).all():
        return None
    arrays = split.arrays()
    rows = [
        call_keras(model, [array[start : start + BATCH] for array in arrays])[0]
        for start in range(0, len(split), BATCH)
    ]
    return score(np.concatenate(rows), split.y).accuracy


def own_copy(loaded: LoadedModel) -> Any:
    """A model that may be changed: what was read from a file, a clone of a live object."""
    from edgekit.model.tf import keras

    if loaded.keras is None:
        raise EdgekitError(
            f"'{loaded.source}' is a SavedModel without Keras layers; it can only be converted",
            hint="prune the .keras or .h5 file that it was exported from",
        )
    if loaded.source is not None:
        return loaded.keras
    clone = keras().models.clone_model(loaded.keras)
    clone.set_weights(loaded.keras.get_weights())
    return clone


def beside(out: Path) -> str:
    return f"{out.stem}.prune.json"


def check_out(out: Path, *, force: bool) -> None:
    if out.suffix != ".keras":
        raise EdgekitError(
            f"'{out}' does not end in .keras", hint="pruned models are written as -o NAME.keras"
        )
    if out.is_dir():
        raise EdgekitError(f"'{out}' is a folder", hint="give a file: -o NAME.keras")
    check_writable(out.parent, force=True)
    if not out.exists() or force:
        return
    record = out.with_name(beside(out))
    owned = read_record(record)["files"].get(out.name) if record.exists() else None
    if owned != sha256_file(out):
        raise EdgekitError(
            f"'{out}' exists and edgekit did not write it, or it was changed since",
            hint="give another -o, or --force to overwrite",
        )


def save_model(model: Any, out: Path) -> None:
    from edgekit.model.tf import quiet

    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.stem}.{os.getpid()}.tmp.keras")
    try:
        with quiet():
            model.save(temporary)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
