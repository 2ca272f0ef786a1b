# SPDX-License-Identifier: Apache-2.0
"""Batches for `fit`: seeded, read as they are needed, the same again after an interruption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.model.tf import keras, tensorflow
from edgekit.prune.augment import Augment

CACHED = 256  # values of one sample's output; larger ones are computed again in each pass


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What there is to learn: samples x (one array per input, or lazy ones), targets y.

    `teacher` is the model whose outputs are learned too, None for none; `augment` changes
    batches. `held_out` are samples and targets that decide which epoch was best.
    """

    x: Sequence[Any]
    y: np.ndarray
    teacher: Any = None
    augment: Augment | None = None
    held_out: tuple[Sequence[Any], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.y)


class Batches:
    """Batch number g of a run: a pure function of the seed and g, so a run can go on anywhere."""

    def __init__(
        self, lesson: Lesson, batch_size: int, seed: int, pack: Callable[..., np.ndarray] | None
    ) -> None:
        self._lesson = lesson
        self._size = min(batch_size, len(lesson))
        self._seed = seed
        self._pack = pack
        self._teach = _compiled(lesson.teacher) if lesson.teacher is not None else None
        self._taught: np.ndarray | None = None
        self._order = (-1, np.zeros(0, np.int64))
        self.error: BaseException | None = None

    @property
    def per_pass(self) -> int:
        """Whole batches in one pass over the samples; the few left over wait for the next."""
        return len(self._lesson) // self._size

    def __call__(self, number: int) -> tuple[Any, np.ndarray]:
        """Samples (a list where the model has several inputs) and targets."""
        try:
            return self._batch(number)
        except BaseException as error:
            self.error = error  # Keras tells only its text
            raise

    def _batch(self, number: int) -> tuple[Any, np.ndarray]:
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
        if self._pack is not None:
            y = self._pack(y, self._outputs(x, chosen))
        return (tuple(x) if len(x) > 1 else x[0]), y

    def _outputs(self, x: list[np.ndarray], chosen: np.ndarray) -> np.ndarray:
        """The teacher's; of samples that stay the same they are computed once."""
        assert self._teach is not None
        if self._lesson.augment is not None:
            return self._teach(x)
        if self._taught is None:
            shape = self._lesson.teacher.outputs[0].shape[1:]
            if None in shape or np.prod(shape) > CACHED:
                return self._teach(x)
            self._taught = np.full((len(self._lesson), *shape), np.nan, np.float32)
        if np.isnan(self._taught[chosen]).any():
            self._taught[chosen] = self._teach(x)
        return self._taught[chosen]


def _compiled(model: Any) -> Callable[[list[np.ndarray]], np.ndarray]:
    tf = tensorflow()

    @tf.function(reduce_retracing=True)
    def call(x: Any) -> Any:
        return tf.cast(model(x, training=False), tf.float32)

    return lambda x: np.asarray(call([tf.constant(a) for a in x] if len(x) > 1 else x[0]))


def feed(batches: Batches, steps_per_epoch: int, first_epoch: int) -> Any:
    """`batches` as a data set for `fit` that starts with epoch `first_epoch`."""

    base: Any = keras().utils.PyDataset

    class Feed(base):
        epoch = first_epoch

        def __len__(self) -> int:
            return steps_per_epoch

        def __getitem__(self, index: int) -> tuple[Any, np.ndarray]:
            return batches(self.epoch * steps_per_epoch + index)

        def on_epoch_end(self) -> None:
            self.epoch += 1

    return Feed()
