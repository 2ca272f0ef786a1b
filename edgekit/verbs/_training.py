# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning as `prune` does it: stored after each epoch, and gone on with when called again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError
from edgekit.progress import Progress
from edgekit.verbs._lessons import Plan, Samples, lesson_of, name_of, teacher_name
from edgekit.verbs._pruned_files import checkpoint_path, data_digest, partial_path, save_model

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset
    from edgekit.prune.finetune import Budget


def train(
    plan: Plan,
    model: Any,
    pruner: Any,
    samples: Samples,
    dataset: Dataset,
    progress: Progress,
    *,
    mark: str = "",
    keep_best: bool = True,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Fine-tune `model`, `pruner` closing its masks; what the record tells of it, and remarks.

    The dense `plan.copy` teaches where the plan says so. `mark` tells runs apart that differ in
    more than the plan. Raises what `fine_tune` does; after Ctrl-C the best epoch, where one
    counts, is saved beside the output, with `keep_best`.
    """
    from edgekit.prune.checkpoint import Checkpoint
    from edgekit.prune.finetune import Interrupted, fine_tune

    lesson = lesson_of(plan, samples)
    budget = plan.budget.resolved(len(lesson))
    fingerprint = f"{_fingerprint(plan, budget, dataset)} {mark}"
    checkpoint = Checkpoint(checkpoint_path(plan.out), fingerprint)
    try:
        tuned = fine_tune(model, lesson, pruner, budget, progress, checkpoint)
    except Interrupted as error:
        raise (_kept(plan, model, error) if keep_best else error) from None
    checkpoint.drop()
    partial_path(plan.out).unlink(missing_ok=True)
    told = dataclasses.asdict(budget) | {"samples": len(lesson)} | dataclasses.asdict(tuned)
    told |= {"teacher": teacher_name(plan, lesson), "augment": name_of(plan.augment)}
    if tuned.nan_step is None:
        return told, ()
    note = f"the loss became NaN at step {tuned.nan_step}; the best epoch before was kept"
    return told, (note,)


def _kept(plan: Plan, model: Any, error: Any) -> EdgekitError:
    """Save what is usable, and say so."""
    if error.usable:
        partial = partial_path(plan.out)
        save_model(model, partial)
        error.hint += f"; the best epoch so far is in '{partial}'"
    elif error.epochs:
        error.hint += "; no epoch had come to the target, so no model was written"
    kept: EdgekitError = error
    return kept


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
