# SPDX-License-Identifier: Apache-2.0
"""The parts of `prune` round the masks: which samples train, who teaches, what is scored."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.progress import Progress
from edgekit.verbs._lessons import Plan, Samples, evidence_of, judging, samples_of, some_of
from edgekit.verbs._scoring import accuracies, compared
from edgekit.verbs._training import train

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset
    from edgekit.prune.masks import Masks
    from edgekit.prune.targets import Kernel


@dataclass(frozen=True, slots=True, eq=False)
class Pruned:
    """A pruned `model`. `target` is over the kernels that are pruned, and `reached` the sparsity
    they have; `grain` is how far structures keep it from the target. `batch_norm` as
    recalibrate_if_better says.
    """

    model: Any
    kernels: tuple[Kernel, ...]
    method: str
    schedule: str
    target: float
    grain: float
    reached: float
    accuracy: dict[str, float] | None
    output_accuracy: dict[str, dict[str, float]]
    fine_tuning: dict[str, Any] | None
    batch_norm: str
    warnings: tuple[str, ...]
    data_hash: dict[str, str]
    versions: dict[str, str] = field(default_factory=dict)


def prune_copy(plan: Plan, data: Any, progress: Progress) -> Pruned:
    """Prune `plan.copy`, with fine-tuning where `data` give something to learn."""
    from edgekit.model.data import load_data

    dataset = load_data(data, plan.loaded.inputs) if data is not None else None
    samples = samples_of(plan, dataset) if dataset else None
    held_out = samples.held_out if samples else None
    before = accuracies(plan.copy, held_out)
    warnings = tuple(dataset.warnings) if dataset else ()
    learns = samples is not None and samples.targets is not None and plan.budget.epochs != 0
    if learns and samples is not None and dataset is not None:
        masks, target, fine_tuning, notes = _fit(plan, samples, dataset, progress)
        # a short run leaves the moving averages behind the weights
        batch_norm = _caught_up(plan, samples)
        warnings += notes
    else:
        masks, target, batch_norm = _at_once(plan, samples, progress)
        fine_tuning = None
        if plan.budget.epochs != 0:
            warnings += (nothing_to_learn(plan, samples, "weights were zeroed at once"),)
    accuracy, each = compared(before, plan.copy, held_out)
    digest = {Path(dataset.source).name: dataset.sha256} if dataset and dataset.sha256 else {}
    return Pruned(
        model=plan.copy,
        kernels=tuple(masks.kernels),
        method=masks.criterion.name,
        schedule=_schedule(plan, masks, target) if fine_tuning else "at once",
        target=target,
        grain=masks.grain,
        reached=masks.sparsity,
        accuracy=accuracy,
        output_accuracy=each,
        fine_tuning=fine_tuning,
        batch_norm=batch_norm,
        warnings=warnings + masks.notes,
        data_hash=digest,
    )


def _schedule(plan: Plan, masks: Masks, target: float) -> str:
    from edgekit.prune.schedule import default_schedule, schedule_name

    shrinking = masks.criterion.shrink > 0
    return schedule_name(plan.schedule or default_schedule(target, shrinking=shrinking))


def nothing_to_learn(plan: Plan, samples: Samples | None, instead: str) -> str:
    """The remark where fine-tuning was meant and could not be: what was done, what is missing."""
    from edgekit.prune.goals import output_names

    wanted = "labelled data"
    if samples is not None and len(plan.copy.outputs) > 1:
        wanted = f"labels of each output: {', '.join(f'y_{n}' for n in output_names(plan.copy))}"
    return f"nothing to learn from: {instead}; give {wanted}"


def _fit(
    plan: Plan, samples: Samples, dataset: Dataset, progress: Progress
) -> tuple[Masks, float, dict[str, Any], tuple[str, ...]]:
    from edgekit.prune.pruner import pruner_class

    pruner = pruner_class()(
        plan.sparsity,
        schedule=plan.schedule,
        data=evidence_of(plan, samples),
        **{f.name: getattr(plan.choice, f.name) for f in dataclasses.fields(plan.choice)},
    )
    told, notes = train(plan, plan.copy, pruner, samples, dataset, progress)
    return pruner.masks, pruner.target, told, notes


def _caught_up(plan: Plan, samples: Samples) -> str:
    """Batch-norm statistics re-estimated where those who judge epochs find that better."""
    from edgekit.prune.oneshot import recalibrate_if_better

    scorer = judging(plan, samples) if plan.recalibrate_bn else None
    if scorer is None:
        return ""
    return recalibrate_if_better(plan.copy, some_of(samples.train), scorer, plan.budget.seed)


def _at_once(plan: Plan, samples: Samples | None, progress: Progress) -> tuple[Masks, float, str]:
    from edgekit.prune.oneshot import likeness_scorer, prune_at_once, recalibrate_if_better

    evidence = evidence_of(plan, samples)
    seed = plan.budget.seed
    if samples is None or not plan.recalibrate_bn:
        return *prune_at_once(plan.copy, plan.sparsity, plan.choice, evidence), ""
    x = some_of(samples.train)
    scorer = judging(plan, samples) or likeness_scorer(plan.copy, x, seed)
    masks, target = prune_at_once(plan.copy, plan.sparsity, plan.choice, evidence)
    progress.say("estimating batch-norm statistics")
    return masks, target, recalibrate_if_better(plan.copy, x, scorer, seed)
