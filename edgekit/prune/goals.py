# SPDX-License-Identifier: Apache-2.0
"""What the outputs of a model learn: one task for one output, a task each for several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, tensorflow
from edgekit.prune.loss import (
    Task,
    accuracy_metric,
    distillation_loss,
    pack,
    score_of,
    task_loss,
    task_of,
)


class Answers:
    """Targets of several outputs, one array each, first axis = samples.

    Length and indices are those of the samples, as of the array that a single output has.
    """

    __slots__ = ("arrays",)

    def __init__(self, arrays: Iterable[np.ndarray]) -> None:
        self.arrays = tuple(arrays)

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, chosen: Any) -> Answers:
        return Answers(array[chosen] for array in self.arrays)


Targets = np.ndarray | Answers


def arrays_of_targets(y: Targets) -> tuple[np.ndarray, ...]:
    """One array per output."""
    return y.arrays if isinstance(y, Answers) else (y,)


@dataclass(frozen=True, slots=True)
class Goals:
    """`tasks` has one entry per output; `keys` are the names of a model that gives a dict."""

    tasks: tuple[Task, ...]
    keys: tuple[str, ...] = ()

    def losses(self, *, taught: bool) -> Any:
        """What `compile` takes; `taught` for targets that `pack` made."""
        return self.arranged([distillation_loss(t) if taught else task_loss(t) for t in self.tasks])

    def metrics(self, *, taught: bool) -> Any:
        """The accuracy of each output, [] where it is of values; None where all are."""
        found = [accuracy_metric(task, packed=taught) for task in self.tasks]
        if not any(found):
            return None
        lists = [[metric] if metric else [] for metric in found]
        return lists[0] if len(lists) == 1 else self.arranged(lists)

    def pack(self, y: Targets, taught: Sequence[np.ndarray]) -> Any:
        """Targets with the teacher's outputs in them, arranged as the model's outputs are."""
        triples = zip(self.tasks, arrays_of_targets(y), taught, strict=True)
        return self.arranged([pack(task, own, theirs) for task, own, theirs in triples])

    def arranged(self, each: Sequence[Any]) -> Any:
        """One thing per output in the structure that the model's call gives."""
        if self.keys:
            return dict(zip(self.keys, each, strict=True))
        return each[0] if len(each) == 1 else tuple(each)

    def loss(self, y: Targets, outputs: Sequence[Any]) -> Any:
        """The sum of the tasks' losses as a scalar tensor; no teacher."""
        triples = zip(self.tasks, arrays_of_targets(y), outputs, strict=True)
        return tensorflow().add_n([task_loss(task)(own, out) for task, own, out in triples])

    def score(self, outputs: Sequence[np.ndarray], y: Targets) -> float:
        """Higher is better: the mean over the outputs of what `score_of` says."""
        triples = zip(self.tasks, outputs, arrays_of_targets(y), strict=True)
        return float(np.mean([score_of(task, out, own) for task, out, own in triples]))


def goals_of(model: Any, y: Targets) -> Goals:
    """By targets and activations of the outputs; EdgekitError where they do not fit."""
    arrays = arrays_of_targets(y)
    if len(arrays) != len(model.outputs):
        raise EdgekitError(
            f"there are targets for {len(arrays)} outputs, and the model has {len(model.outputs)}",
            hint="give an array y_<output> for each output",
        )
    tasks = tuple(task_of(model, array, place) for place, array in enumerate(arrays))
    # Keras orders outputs that come as a dict by their keys.
    structure = getattr(model, "output", None)
    keys = tuple(sorted(structure)) if isinstance(structure, dict) else ()
    return Goals(tasks, keys)


def output_names(model: Any) -> tuple[str, ...]:
    """What the outputs are called, in the order of `model.outputs`: keys, or layers' names."""
    structure = getattr(model, "output", None)
    if isinstance(structure, dict):
        return tuple(sorted(structure))
    return tuple(str(tensor._keras_history.operation.name) for tensor in model.outputs)


def flat_outputs(outputs: Any) -> list[Any]:
    """Whatever a model's call gave, as a list in the order of `model.outputs`."""
    return list(keras().tree.flatten(outputs))
