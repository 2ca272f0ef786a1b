# SPDX-License-Identifier: Apache-2.0
"""`prune --engine tfmot`: the same verb, done by tensorflow-model-optimization's wrappers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError
from edgekit.progress import Progress
from edgekit.verbs._lessons import Plan, judging, name_of, samples_of, some_of
from edgekit.verbs._pruning import Pruned, nothing_to_learn
from edgekit.verbs._scoring import accuracies, compared

if TYPE_CHECKING:
    from edgekit.prune.targets import Kernel
    from edgekit.prune.tfmot_engine import TfmotResult
    from edgekit.verbs._lessons import Samples

ENGINES = ("edgekit", "tfmot")


def check_engine(engine: str) -> None:
    if engine not in ENGINES:
        raise EdgekitError(f"there is no engine '{engine}'", hint=f"one of: {', '.join(ENGINES)}")


def check_choices(plan: Plan) -> None:
    """EdgekitError naming the first choice in `plan` that the package has nothing for.

    ToolMissing where it is not installed.
    """
    from edgekit.prune.tfmot_engine import SCHEDULES, check_structure, need_tfmot

    need_tfmot()
    choice = plan.choice
    wanted: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "method": (choice.method, ("magnitude",)),
        "scope": (choice.scope, ("per_layer",)),
        "objective": (choice.objective, ("size",)),
        "of-all": (choice.of_all, (False,)),
        "schedule": (plan.schedule, (None, *SCHEDULES)),
        "teacher": (plan.teacher, ("self", "none", None)),
        "augment": (plan.augment, ("none", None)),
        "steps": (plan.budget.steps, (None,)),
    }
    for option, (given, known) in wanted.items():
        if not any(given is value or given == value for value in known):
            said = "" if given is True else f" {name_of(given)}"
            raise EdgekitError(
                f"the engine tfmot cannot do --{option}{said}",
                hint=f"{_INSTEAD.get(option, _known(known))}, or use --engine edgekit",
            )
    check_structure(choice.structure, plan.sparsity)


_INSTEAD = {"steps": "give --epochs", "of-all": "leave --of-all out"}


def _known(known: tuple[Any, ...]) -> str:
    names = [str(value) for value in known if value is not None]
    return f"it knows only {' and '.join(names)}"


def prune_by_tfmot(plan: Plan, data: Any, progress: Progress) -> Pruned:
    """A pruned copy of `plan.copy` by the package's wrappers, in a process of its own.

    It trains on labels alone: there is no teacher, no best epoch and no going on after Ctrl-C.
    """
    from edgekit.model.data import load_data
    from edgekit.prune.masks import zeros_over_weights
    from edgekit.prune.tfmot_engine import prune_with_tfmot

    dataset = load_data(data, plan.loaded.inputs) if data is not None else None
    samples = samples_of(plan, dataset) if dataset else None
    held_out = samples.held_out if samples else None
    before = accuracies(plan.copy, held_out)
    taught, told = _taught(plan, samples)
    schedule = plan.schedule or "polynomial"
    options = {"schedule": schedule, "structure": plan.choice.structure, "keep": plan.choice.keep}
    options |= {"sparsity": plan.sparsity, "seed": plan.budget.seed}
    result = prune_with_tfmot(plan.copy, taught, **options, progress=progress)
    batch_norm = "" if taught else _recalibrated(plan, result, samples)
    kernels = _kernels(plan, result)
    accuracy, each = compared(before, result.model, held_out)
    digest = {Path(dataset.source).name: dataset.sha256} if dataset and dataset.sha256 else {}
    pruned = [kernel for kernel in kernels if not kernel.protected]
    return Pruned(
        model=result.model,
        kernels=kernels,
        method="magnitude",
        schedule=schedule if taught else "at once",
        target=plan.sparsity,
        grain=1.0 / sum(kernel.values().size for kernel in pruned) * len(pruned),
        reached=zeros_over_weights(pruned),
        accuracy=accuracy,
        output_accuracy=each,
        fine_tuning=told,
        batch_norm=batch_norm,
        warnings=(tuple(dataset.warnings) if dataset else ()) + _remarks(plan, samples, told),
        data_hash=digest,
        versions={"tensorflow-model-optimization": result.version},
    )


def _kernels(plan: Plan, result: TfmotResult) -> tuple[Kernel, ...]:
    """All of them; protected are also those that the package has no wrapper for."""
    from edgekit.prune.targets import find_kernels

    return tuple(
        kernel
        if kernel.protected or kernel.name in result.layers
        else dataclasses.replace(kernel, protected="not pruned by tfmot")
        for kernel in find_kernels(result.model, plan.choice.keep)
    )


def _taught(plan: Plan, samples: Samples | None) -> tuple[Any, dict[str, Any] | None]:
    """What the package trains on, and what the record tells of it; None where there is nothing."""
    import numpy as np

    from edgekit.prune.tfmot_engine import Samples as Taught

    if samples is None or samples.targets is None or plan.budget.epochs == 0:
        return None, None
    if not isinstance(samples.targets, np.ndarray):
        raise EdgekitError(
            "the engine tfmot trains models with one output",
            hint="use --engine edgekit, or --epochs 0 to zero weights at once",
        )
    x, y = samples.train.arrays(), samples.targets
    budget = plan.budget.resolved(len(y))
    batch, epochs = budget.batch_size or 1, budget.epochs or 1
    taught = Taught(x, y, epochs, batch, budget.learning_rate)
    told = dataclasses.asdict(budget) | {"steps": taught.steps, "samples": len(y)}
    told |= {"best_epoch": epochs, "teacher": "none", "augment": "none"}
    return taught, told


def _recalibrated(plan: Plan, result: TfmotResult, samples: Samples | None) -> str:
    from edgekit.prune.oneshot import likeness_scorer, recalibrate_if_better

    if samples is None or not plan.recalibrate_bn:
        return ""
    x, seed = some_of(samples.train), plan.budget.seed
    scorer = judging(plan, samples) or likeness_scorer(plan.copy, x, seed)
    return recalibrate_if_better(result.model, x, scorer, seed)


def _remarks(plan: Plan, samples: Samples | None, told: dict[str, Any] | None) -> tuple[str, ...]:
    if told is not None:
        if plan.teacher != "self":
            return ()
        return ("the engine tfmot has no teacher: it trained on labels alone",)
    if plan.budget.epochs == 0:
        return ()
    return (nothing_to_learn(plan, samples, "weights were zeroed at once"),)
