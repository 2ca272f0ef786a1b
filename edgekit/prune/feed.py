# SPDX-License-Identifier: Apache-2.0
"""Batches for `fit`: seeded, read as they are needed, the same again after an interruption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.model.tf import keras, tensorflow
from edgekit.prune.augment import Augment
from edgekit.prune.evidence import outputs_of
from edgekit.prune.goals import Goals, Targets, arrays_of_targets

CACHED = 256  # values of one sample's output; larger ones are computed again in each pass


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What there is to learn: samples x (one array per input, or lazy ones), targets y (an array,
    or Answers with one per output).

    `teacher` is the model whose outputs are learned too, None for none; `augment` changes
    batches. `held_out` are samples and targets that decide which epoch was best.
    """

    x: Sequence[Any]
    y: Targets
    teacher: Any = None
    augment: Augment | None = None
    held_out: tuple[Sequence[Any], Targets] | None = None

    def __len__(self) -> int:
        return len(self.y)


class Batches:
    """Batch number g of a run: a pure function of the seed and g, so a run can go on anywhere."""

    def __init__(self, lesson: Lesson, batch_size: int, seed: int, goals: Goals) -> None:
        self._lesson = lesson
        self._size = min(batch_size, len(lesson))
        self._seed = seed
        self._goals = goals
        self._teach = _compiled(lesson.teacher) if lesson.teacher is not None else None
        self._taught: list[np.ndarray] = []
        self._order = (-1, np.zeros(0, np.int64))
        self.error: BaseException | None = None

    @property
    def per_pass(self) -> int:
        """Whole batches in one pass over the samples; the few left over wait for the next."""
        return len(self._lesson) // self._size

    def __call__(self, number: int) -> tuple[Any, Any]:
        """Samples (a tuple where the model has several inputs) and targets, as outputs come."""
        try:
            return self._batch(number)
        except BaseException as error:
            self.error = error  # Keras tells only its text
            raise

    def _batch(self, number: int) -> tuple[Any, Any]:
        turn, place = divmod(number, self.per_pass)
        if self._order[0] != turn:
            order = np.random.default_rng((self._seed, turn)).permutation(len(self._lesson))
            self._order = (turn, order)
        chosen = self._order[1][place * self._size : (place + 1) * self._size]
        x = [np.asarray(array[chosen], np.float32) for array in self._lesson.x]
        if self._lesson.augment is not None:
            rng = np.random.default_rng((self._seed, 1, number))
            x = [self._lesson.augment(array, rng) for array in x]
        y = self._lesson.y[chosen]
        if self._teach is None:
            goal = self._goals.arranged(arrays_of_targets(y))
        else:
            goal = self._goals.pack(y, self._outputs(x, chosen))
        return (tuple(x) if len(x) > 1 else x[0]), goal

    def _outputs(self, x: list[np.ndarray], chosen: np.ndarray) -> list[np.ndarray]:
        """The teacher's; of samples that stay the same they are computed once."""
        assert self._teach is not None
        if self._lesson.augment is not None:
            return self._teach(x)
        shapes = [output.shape[1:] for output in self._lesson.teacher.outputs]
        if any(None in shape or np.prod(shape) > CACHED for shape in shapes):
            return self._teach(x)
        if not self._taught:
            self._taught = [np.full((len(self._lesson), *s), np.nan, np.float32) for s in shapes]
        if any(np.isnan(array[chosen]).any() for array in self._taught):
            for array, output in zip(self._taught, self._teach(x), strict=True):
                array[chosen] = output
        return [array[chosen] for array in self._taught]


def _compiled(model: Any) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    tf = tensorflow()

    @tf.function(reduce_retracing=True)
    def call(x: Any) -> Any:
        return outputs_of(model, x)

    return lambda x: [np.asarray(output) for output in call([tf.constant(a) for a in x])]


def feed(batches: Batches, steps_per_epoch: int, first_epoch: int) -> Any:
    """`batches` as a data set for `fit` that starts with epoch `first_epoch`."""

    base: Any = keras().utils.PyDataset

    class Feed(base):
        epoch = first_epoch

        def __len__(self) -> int:
            return steps_per_epoch

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            return batches(self.epoch * steps_per_epoch + index)

        def on_epoch_end(self) -> None:
            self.epoch += 1

    return Feed()
