# SPDX-License-Identifier: Apache-2.0
"""Watches a run: the best epoch is kept, each epoch is stored, NaN stops it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgekit.model.tf import keras
from edgekit.progress import Progress, Task
from edgekit.prune.checkpoint import Checkpoint, State, arrays_of, put_back
from edgekit.prune.evidence import BATCH, outputs_of
from edgekit.prune.feed import Lesson
from edgekit.prune.goals import Goals


class Keeper:
    """`scorer` gives a number for the model, higher is better, or is None: then the last is best.

    Epochs count as candidates from the target sparsity on.
    """

    def __init__(
        self,
        pruner: Any,
        scorer: Callable[[Any], float] | None,
        checkpoint: Checkpoint | None,
        task: Task,
    ) -> None:
        self.pruner, self._scorer, self._checkpoint, self._task = pruner, scorer, checkpoint, task
        self.best: list[np.ndarray] = []
        self.best_score: float | None = None
        self.best_epoch = 0
        self.epochs = 0
        self.nan_step: int | None = None

    def resume(self, state: State) -> None:
        self.best, self.best_score = state.best, state.best_score
        self.best_epoch, self.epochs = state.best_epoch, state.epochs

    def advance(self, steps: int) -> None:
        self._task.advance(steps)

    def batch(self, model: Any, logs: Any) -> None:
        """After each step: progress, and a stop at NaN."""
        logs = logs or {}
        loss = float(logs.get("loss", 0.0))
        sparsity = f"sparsity {100 * self.pruner.current:.0f} %, " if self.pruner.target else ""
        note = f"{sparsity}loss {loss:.3f}"
        if right := [float(v) for name, v in logs.items() if name.endswith("accuracy")]:
            note += f", accuracy {100 * sum(right) / len(right):.1f} %"
        self._task.advance(1, note)
        if math.isfinite(loss) or self.nan_step is not None:
            return
        self._stop(model)

    def _stop(self, model: Any) -> None:
        self.nan_step = int(model.optimizer.iterations)
        self.pruner.finish_on_end = False
        model.stop_training = True

    def epoch(self, model: Any, number: int) -> None:
        """After epoch `number` (from 0)."""
        if self.nan_step is not None:
            return
        if not all(np.isfinite(array).all() for array in arrays_of(model.trainable_weights)):
            self._stop(model)  # rectifiers may hide NaN from the loss
            return
        self.epochs = number + 1
        score = self._scorer(model) if self._scorer is not None else 0.0
        reached = self.pruner.current >= self.pruner.target
        if reached and math.isfinite(score):
            self._candidate(model, score)
        if self._checkpoint is not None:
            self._checkpoint.save(self._state(model))

    def _candidate(self, model: Any, score: float) -> None:
        # Of equals the later one, which has learned for longer.
        if self.best_score is None or score >= self.best_score:
            self.best, self.best_score = arrays_of(model.weights), score
            self.best_epoch = self.epochs

    def _state(self, model: Any) -> State:
        return State(
            epochs=self.epochs,
            step=int(model.optimizer.iterations),
            sparsity=self.pruner.current,
            weights=arrays_of(model.weights),
            optimizer=arrays_of(model.optimizer.variables),
            masks=self.pruner.masks.values(),
            best=self.best,
            best_score=self.best_score,
            best_epoch=self.best_epoch,
        )


def start_from(model: Any, state: State, pruner: Any, keeper: Keeper) -> None:
    """Put a compiled model, its optimizer and the pruner where `state` left them."""
    put_back(model.weights, state.weights)
    model.optimizer.build(model.trainable_variables)
    put_back(model.optimizer.variables, state.optimizer)
    pruner.resume(state.step, state.sparsity, state.masks)
    keeper.resume(state)


def scorer_for(lesson: Lesson, goals: Goals) -> Callable[[Any], float] | None:
    """Scores a model on the held-out samples; None where there are none."""
    if lesson.held_out is None:
        return None
    x, y = lesson.held_out

    def scorer(model: Any) -> float:
        rows = [
            [np.asarray(o) for o in outputs_of(model, [np.asarray(a[part], np.float32) for a in x])]
            for part in np.array_split(np.arange(len(y)), -(-len(y) // BATCH))
        ]
        return goals.score([np.concatenate(column) for column in zip(*rows, strict=True)], y)

    return scorer


def callback(keeper: Keeper) -> Any:
    base: Any = keras().callbacks.Callback

    class Watch(base):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            keeper.batch(self.model, logs)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            keeper.epoch(self.model, epoch)

    return Watch()


def resuming_note(progress: Progress, state: State, epochs: int) -> None:
    progress.say(f"going on after epoch {state.epochs} of {epochs}, where the last run stopped")
