# SPDX-License-Identifier: Apache-2.0
"""What there is to learn from: the plan, who trains, who judges, who teaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.verbs._pruned_files import clone

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset, Split
    from edgekit.model.load import LoadedModel
    from edgekit.prune.evidence import Evidence
    from edgekit.prune.feed import Lesson
    from edgekit.prune.finetune import Budget
    from edgekit.prune.goals import Targets
    from edgekit.prune.masks import Choice

LEAST_HELD_OUT = 100  # samples that are scored and not trained on, where there is no test pair
MOST_JUDGES = 1000  # training samples that decide which epoch was best
LEAST_TO_JUDGE = 200  # below as many samples all of them train, and the last epoch is kept


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What the user asked for, checked; `loaded` is the model it came from, `copy` ours."""

    loaded: LoadedModel
    copy: Any
    out: Path
    sparsity: float
    schedule: Any
    choice: Choice
    budget: Budget
    teacher: Any
    augment: Any
    recalibrate_bn: bool


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """`train` is learned from, `judges` decide among epochs, `held_out` is what is reported."""

    train: Split
    held_out: Split
    targets: Targets | None
    judges: tuple[list[np.ndarray], Targets] | None


def samples_of(plan: Plan, dataset: Dataset) -> Samples:
    """Who judges comes out of the training samples: what is reported stays unseen."""
    seed = plan.budget.seed
    train, held_out = splits(dataset, seed)
    targets = targets_of(plan.loaded, train)
    judges, rest = judges_of(len(train), seed)
    if targets is None or not len(judges):
        return Samples(train, held_out, targets, None)
    judged = (train.take(judges).arrays(), targets[judges])
    return Samples(train.take(rest), held_out, targets[rest], judged)


def judges_of(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of `count` training samples judge epochs (none of a few), and the rest."""
    order = np.random.default_rng((seed, 2)).permutation(count)
    judges = min(MOST_JUDGES, count // 10) if count >= LEAST_TO_JUDGE else 0
    return order[:judges], order[judges:]


def splits(dataset: Dataset, seed: int) -> tuple[Split, Split]:
    """What is trained on and what is scored: the test pair, or the start of the permutation.

    That start is also what convert and bench score, so they never score what was trained on.
    """
    if dataset.test is not None:
        return dataset.train, dataset.test
    count = len(dataset.train)
    kept = min(max(count // 10, LEAST_HELD_OUT), count // 3)
    order = np.random.default_rng(seed).permutation(count)
    return dataset.train.take(order[kept:]), dataset.train.take(order[:kept])


def labels_of(model: Any, split: Split) -> dict[str, np.ndarray]:
    """Name of each output -> its labels, in the order of the outputs; {} where they have none.

    Labels of several outputs go by the outputs' names or by their positions. EdgekitError where
    only some have any.
    """
    from edgekit.prune.goals import output_names

    names = output_names(model)
    if len(names) == 1 and split.y is not None:
        return {names[0]: split.y}
    own = split.answers
    found = {n: own.get(n, own.get(str(place))) for place, n in enumerate(names)}
    labels = {name: array for name, array in found.items() if array is not None}
    if own and len(labels) != len(names):
        lacking = ", ".join(name for name in names if name not in labels)
        raise EdgekitError(
            f"there are labels for {', '.join(own)}, and none for the output {lacking}",
            hint=f"name the arrays {', '.join(f'y_{name}' for name in names)}",
        )
    return labels


def targets_of(loaded: LoadedModel, train: Split) -> Targets | None:
    """Labels, or the inputs themselves for a model that gives back what it is given."""
    from edgekit.prune.goals import Answers

    labels = tuple(labels_of(loaded.keras, train).values())
    if labels:
        return labels[0] if len(labels) == 1 else Answers(labels)
    if len(loaded.keras.outputs) != 1:
        return None
    same = tuple(loaded.keras.outputs[0].shape[1:]) == loaded.inputs[0].shape
    if len(loaded.inputs) == 1 and same:
        return np.asarray(train.arrays()[0], np.float32)
    return None


def lesson_of(plan: Plan, samples: Samples) -> Lesson:
    from edgekit.prune.augment import named_augment
    from edgekit.prune.feed import Lesson

    assert samples.targets is not None
    return Lesson(
        samples.train.arrays(),
        samples.targets,
        teacher=_teacher(plan),
        augment=named_augment(plan.augment),
        held_out=samples.judges,
    )


def _teacher(plan: Plan) -> Any:
    """The dense model as it came ("self"), another model, or None ("none")."""
    from edgekit.model.load import load_model
    from edgekit.prune.evidence import activation_of

    if plan.teacher is None or plan.teacher == "none":
        return None
    if isinstance(plan.teacher, str) and plan.teacher == "self":
        return clone(plan.copy)
    teacher = load_model(plan.teacher).keras
    if teacher is None:
        raise EdgekitError(
            "the teacher is a SavedModel without Keras layers",
            hint="give a .keras or .h5 file, or --teacher self",
        )
    ours, theirs = (_sides(model) for model in (plan.copy, teacher))
    if ours != theirs:
        raise EdgekitError(
            f"the teacher takes and gives {theirs[0]} -> {theirs[1]}, the model "
            f"{ours[0]} -> {ours[1]}",
            hint="give a teacher of the same inputs and outputs, or --teacher self",
        )
    ends = [
        [activation_of(model, place) == "softmax" for place in range(len(model.outputs))]
        for model in (teacher, plan.copy)
    ]
    if ends[0] != ends[1]:
        raise EdgekitError(
            "one of teacher and model gives probabilities, the other does not",
            hint="give a teacher that ends in the same activation, or --teacher self",
        )
    return teacher


def _sides(model: Any) -> tuple[list[Any], list[Any]]:
    return [tuple(t.shape[1:]) for t in model.inputs], [tuple(t.shape[1:]) for t in model.outputs]


def teacher_name(plan: Plan, lesson: Lesson) -> str:
    return "none" if lesson.teacher is None else name_of(plan.teacher)


def name_of(choice: Any) -> str:
    if isinstance(choice, (str, Path)):
        return Path(choice).name
    return str(getattr(choice, "__name__", "") or getattr(choice, "name", type(choice).__name__))


def some_of(split: Split) -> list[np.ndarray]:
    """As many seeded samples as statistics are estimated on; no more need to be read."""
    from edgekit.prune.batchnorm import BATCH, BATCHES

    if len(split) <= BATCH * BATCHES:
        return split.arrays()
    return split.take(np.random.default_rng(3).permutation(len(split))[: BATCH * BATCHES]).arrays()


def judging(plan: Plan, samples: Samples) -> Callable[[Any], float] | None:
    """Scores a model on the samples that judge; None where there are none."""
    from edgekit.prune.feed import Lesson
    from edgekit.prune.goals import goals_of
    from edgekit.prune.keeper import scorer_for

    if samples.judges is None:
        return None
    x, y = samples.judges
    return scorer_for(Lesson(x, y, held_out=(x, y)), goals_of(plan.copy, y))


def evidence_of(plan: Plan, samples: Samples | None) -> Evidence:
    """The samples that criteria and scopes look at; with labels where the loss takes them."""
    from edgekit.prune.evidence import make_evidence
    from edgekit.prune.goals import goals_of

    if samples is None:
        return make_evidence(plan.copy, seed=plan.budget.seed)
    x, y = samples.train.x, samples.targets
    loss = goals_of(plan.copy, y).loss if y is not None else None
    return make_evidence(plan.copy, x, y, loss=loss, seed=plan.budget.seed)
