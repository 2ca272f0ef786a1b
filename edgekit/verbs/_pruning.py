# SPDX-License-Identifier: Apache-2.0
"""The parts of `prune` round the masks: which samples train, who teaches, what is scored."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.progress import Progress
from edgekit.verbs._lessons import (
    Plan,
    Samples,
    evidence_of,
    lesson_of,
    name_of,
    samples_of,
    teacher_name,
)
from edgekit.verbs._pruned_files import (
    checkpoint_path,
    data_digest,
    partial_path,
    save_model,
)

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset, Split
    from edgekit.prune.feed import Lesson
    from edgekit.prune.finetune import Budget
    from edgekit.prune.masks import Masks


@dataclass(frozen=True, slots=True, eq=False)
class Pruned:
    """`target` is over the kernels that are pruned; `batch_norm` as recalibrate_if_better says."""

    masks: Masks
    target: float
    accuracy: dict[str, float] | None
    fine_tuning: dict[str, Any] | None
    batch_norm: str
    warnings: tuple[str, ...]
    data_hash: dict[str, str]


def prune_copy(plan: Plan, data: Any, progress: Progress) -> Pruned:
    """Prune `plan.copy`, with fine-tuning where `data` give something to learn."""
    from edgekit.model.data import load_data

    dataset = load_data(data, plan.loaded.inputs) if data is not None else None
    samples = samples_of(plan, dataset) if dataset else None
    before = _accuracy(plan.copy, samples.held_out if samples else None)
    warnings = tuple(dataset.warnings) if dataset else ()
    learns = samples is not None and samples.targets is not None and plan.budget.epochs != 0
    if learns and samples is not None and dataset is not None:
        masks, target, fine_tuning = _fit(plan, samples, dataset, progress)
        batch_norm = ""
        if fine_tuning["nan_step"] is not None:
            step = fine_tuning["nan_step"]
            warnings += (f"the loss became NaN at step {step}; the best epoch before was kept",)
    else:
        masks, target, batch_norm = _at_once(plan, samples, progress)
        fine_tuning = None
        if plan.budget.epochs != 0:
            warnings += ("nothing to learn from: weights were zeroed at once; give labelled data",)
    accuracy = _compared(plan.copy, samples, before)
    digest = {Path(dataset.source).name: dataset.sha256} if dataset and dataset.sha256 else {}
    warnings += masks.notes
    return Pruned(masks, target, accuracy, fine_tuning, batch_norm, warnings, digest)


def _fit(
    plan: Plan, samples: Samples, dataset: Dataset, progress: Progress
) -> tuple[Masks, float, dict[str, Any]]:
    from edgekit.prune.checkpoint import Checkpoint
    from edgekit.prune.finetune import Interrupted, fine_tune
    from edgekit.prune.pruner import pruner_class

    lesson = lesson_of(plan, samples)
    budget = plan.budget.resolved(len(lesson))
    pruner = pruner_class()(
        plan.sparsity,
        schedule=plan.schedule,
        data=evidence_of(plan, samples),
        **{f.name: getattr(plan.choice, f.name) for f in dataclasses.fields(plan.choice)},
    )
    checkpoint = Checkpoint(checkpoint_path(plan.out), _fingerprint(plan, budget, dataset))
    try:
        tuned = fine_tune(plan.copy, lesson, pruner, budget, progress, checkpoint)
    except Interrupted as error:
        raise _kept(plan, error) from None
    checkpoint.drop()
    partial_path(plan.out).unlink(missing_ok=True)
    told = dataclasses.asdict(budget) | {"samples": len(lesson)} | dataclasses.asdict(tuned)
    told |= {"teacher": teacher_name(plan, lesson), "augment": name_of(plan.augment)}
    return pruner.masks, pruner.target, told


def _kept(plan: Plan, error: Any) -> EdgekitError:
    """Save what is usable, and say so."""
    if not error.usable:
        error.hint += "; no epoch had come to the target, so nothing was written"
        return error
    partial = partial_path(plan.out)
    save_model(plan.copy, partial)
    error.hint += f"; the best epoch so far is in '{partial}'"
    return error


def _at_once(plan: Plan, samples: Samples | None, progress: Progress) -> tuple[Masks, float, str]:
    from edgekit.prune.oneshot import likeness_scorer, prune_at_once, recalibrate_if_better

    evidence = evidence_of(plan, samples)
    seed = plan.budget.seed
    if samples is None or not plan.recalibrate_bn:
        return *prune_at_once(plan.copy, plan.sparsity, plan.choice, evidence), ""
    x = samples.train.arrays()
    scorer = likeness_scorer(plan.copy, x, seed)
    if samples.judges is not None:
        from edgekit.prune.keeper import scorer_for

        scorer = scorer_for(*_judging(plan, samples)) or scorer
    masks, target = prune_at_once(plan.copy, plan.sparsity, plan.choice, evidence)
    progress.say("estimating batch-norm statistics")
    return masks, target, recalibrate_if_better(plan.copy, x, scorer, seed)


def _judging(plan: Plan, samples: Samples) -> tuple[Lesson, Any]:
    from edgekit.prune.feed import Lesson
    from edgekit.prune.loss import task_of

    assert samples.judges is not None
    y = samples.judges[1]
    return Lesson(samples.judges[0], y, held_out=samples.judges), task_of(plan.copy, y)


def _fingerprint(plan: Plan, budget: Budget, dataset: Dataset) -> str:
    """Of everything that decides how a run goes, so that only the same run goes on."""
    parts = [
        plan.loaded.sha256,
        data_digest(dataset),
        dataclasses.asdict(budget),
        plan.sparsity,
        _repeatable(plan.schedule),
        [_repeatable(getattr(plan.choice, f.name)) for f in dataclasses.fields(plan.choice)],
        _repeatable(plan.teacher),
        _repeatable(plan.augment),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _repeatable(value: Any) -> str:
    """A text that is the same in the next process."""
    if value is None or isinstance(value, (str, bool, int, float, tuple, Path)):
        return str(value)
    return repr(value) if dataclasses.is_dataclass(value) else name_of(value)


def _compared(model: Any, samples: Samples | None, before: float | None) -> dict[str, float] | None:
    if samples is None or before is None:
        return None
    after = _accuracy(model, samples.held_out)
    return {"before": before, "after": after or 0.0, "samples": len(samples.held_out)}


def _accuracy(model: Any, split: Split | None) -> float | None:
    from edgekit.measure.compare import score
    from edgekit.model.load import BATCH, call_keras

    if split is None or not len(split) or not split.labelled or len(model.outputs) != 1:
        return None
    assert split.y is not None
    if model.outputs[0].shape[-1] == 1 and not np.isin(split.y, (0, 1)).all():
        return None
    rows: Sequence[np.ndarray] = [
        call_keras(model, split.take(part).arrays())[0]
        for part in np.array_split(np.arange(len(split)), -(-len(split) // BATCH))
    ]
    return score(np.concatenate(rows), split.y).accuracy
