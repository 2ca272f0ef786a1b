# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning while the masks close."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, quiet, tensorflow
from edgekit.progress import Progress
from edgekit.prune.checkpoint import Checkpoint, State, put_back
from edgekit.prune.criteria import NotFiniteError
from edgekit.prune.feed import Batches, Lesson, feed
from edgekit.prune.fused import fused_batch_norm
from edgekit.prune.goals import Goals, goals_of
from edgekit.prune.keeper import Keeper, callback, resuming_note, scorer_for, start_from

STEPS = 500  # of the default run; enough for 75 % on ResNet8 (see docs), a minute on two cores
MOST_EPOCHS = 30
LAST_LEARNING_RATE = 1e-5


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to fine-tune: 0 epochs or batch size = chosen by the number of samples.

    `steps`, where given, is the length of the run whatever the number of samples.
    """

    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float = 1e-3
    seed: int = 0
    steps: int | None = None

    def resolved(self, samples: int) -> Budget:
        """With batches of 128 (32 below 4,000 samples) and about STEPS steps."""
        batch = min(self.batch_size or (128 if samples >= 4000 else 32), samples)
        per_pass = samples // batch
        epochs = self.epochs
        if epochs is None:
            wanted = math.ceil((self.steps or STEPS) / per_pass)
            epochs = wanted if self.steps else min(MOST_EPOCHS, max(1, wanted))
        steps = self.steps or epochs * per_pass
        epochs = min(epochs, steps)
        return Budget(epochs, batch, self.learning_rate, self.seed, steps // epochs * epochs)


@dataclass(frozen=True, slots=True)
class Tuned:
    """How a run went: the epoch whose weights were kept (from 1), where NaN stopped it, or None."""

    epochs: int
    best_epoch: int
    resumed_after: int
    nan_step: int | None


class Interrupted(EdgekitError):
    """Ctrl-C: `usable` tells whether the model holds an epoch that had come to the target."""

    exit_code = 130

    def __init__(self, epochs: int, of: int, usable: bool) -> None:
        stored = epochs > 0
        super().__init__(
            f"interrupted after epoch {epochs} of {of}"
            if stored
            else f"interrupted before the first of {of} epochs ended; nothing was written",
            hint="run the same command again to go on from there"
            if stored
            else "run the same command again; it starts from the beginning",
        )
        self.usable, self.epochs = usable, epochs


def fine_tune(
    model: Any,
    lesson: Lesson,
    pruner: Any,
    budget: Budget,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
    scorer: Callable[[Any], float] | None = None,
) -> Tuned:
    """Fit `model` with the callback `pruner`; Adam with a cosine rate, seeded.

    The weights are those of the best epoch afterwards, masks are off, and the optimizer is let
    go, so that a saved model holds weights and nothing else. `scorer` judges epochs in place of
    the plain one on the lesson's held-out samples. Goes on from `checkpoint` if it
    holds an epoch of this run. Raises Interrupted at Ctrl-C, EdgekitError where the loss became
    NaN before any epoch was worth keeping, or memory ran out.
    """
    goals = goals_of(model, lesson.y)
    batches = Batches(lesson, budget.batch_size or 1, budget.seed, goals)
    state = checkpoint.load() if checkpoint is not None else None
    epochs, done = budget.epochs or 1, state.epochs if state else 0
    if state is not None:
        resuming_note(progress, state, epochs)
    scorer = scorer or scorer_for(lesson, goals)
    with (
        _seeded(budget.seed),
        progress.task(getattr(pruner, "label", "pruning"), budget.steps or 1) as bar,
    ):
        _compile(model, goals, budget, lesson.teacher is not None)
        keeper = Keeper(pruner, scorer, checkpoint, bar)
        if state is not None:
            _restart(model, state, pruner, keeper)
        try:
            _fit(model, batches, pruner, keeper, budget, done)
        except KeyboardInterrupt:
            _release(model, pruner)
            _keep_best(model, keeper)
            raise Interrupted(keeper.epochs, epochs, bool(keeper.best)) from None
        finally:
            model.optimizer, model.compiled = None, False
    _finish(model, pruner, keeper)
    return Tuned(keeper.epochs, keeper.best_epoch, done, keeper.nan_step)


def _compile(model: Any, goals: Goals, budget: Budget, taught: bool) -> None:
    module = keras()
    rate = module.optimizers.schedules.CosineDecay(
        budget.learning_rate,
        budget.steps or 1,
        alpha=min(1.0, LAST_LEARNING_RATE / budget.learning_rate),
    )
    model.compile(
        optimizer=module.optimizers.Adam(rate),
        loss=goals.losses(taught=taught),
        metrics=goals.metrics(taught=taught),
        jit_compile=False,
    )


def _restart(model: Any, state: State, pruner: Any, keeper: Keeper) -> None:
    start_from(model, state, pruner, keeper)
    keeper.advance(state.step)


def _fit(
    model: Any, batches: Batches, pruner: Any, keeper: Keeper, budget: Budget, done: int
) -> None:
    epochs, steps = budget.epochs or 1, budget.steps or 1
    if done >= epochs:
        pruner.set_model(model)
        pruner.set_params({"epochs": epochs, "steps": steps // epochs})
        pruner.on_train_begin()
        pruner.on_train_end()
        return
    try:
        with in_words(), fused_batch_norm(model):
            model.fit(
                feed(batches, steps // epochs, done),
                epochs=epochs,
                initial_epoch=done,
                shuffle=False,
                verbose=0,
                callbacks=[pruner, callback(keeper)],
            )
    except NotFiniteError:
        keeper.nan_step = keeper.nan_step or int(model.optimizer.iterations)
    except Exception:
        if batches.error is not None:
            with in_words():
                raise batches.error from None
        raise
    finally:
        if pruner.masks is not None:
            _release(model, pruner)


def _release(model: Any, pruner: Any) -> None:
    if pruner.masks is not None:
        pruner.masks.release()


def _keep_best(model: Any, keeper: Keeper) -> None:
    if keeper.best:
        put_back(model.weights, keeper.best)


def _finish(model: Any, pruner: Any, keeper: Keeper) -> None:
    """Weights of the best epoch; where none counted, the last ones as long as they are numbers."""
    if keeper.best:
        _keep_best(model, keeper)
    elif keeper.nan_step is not None:
        raise EdgekitError(
            f"the loss is not a number any more after step {keeper.nan_step}, and no epoch had "
            "come to the target before",
            hint="give a lower --learning-rate, and look for extreme values in the data",
        )


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """Memory that ran out becomes an EdgekitError that says what to do."""
    try:
        yield
    except (MemoryError, tensorflow().errors.ResourceExhaustedError) as error:
        raise EdgekitError(
            "memory ran out while fine-tuning",
            hint="give a smaller --batch-size, half of it for a start",
        ) from error


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Keras seeds Python's and numpy's generators too; the caller's are put back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with quiet():
            keras().utils.set_random_seed(seed)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
