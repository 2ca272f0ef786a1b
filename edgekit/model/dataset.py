# SPDX-License-Identifier: Apache-2.0
"""Samples and labels, and the seeded choice of those that calibrate and those that are scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class LazyArray:
    """Samples that are read when they are asked for: `read(indices)` gives the array of them."""

    count: int
    read: Callable[[np.ndarray], np.ndarray]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return self.read(np.asarray(indices))


Samples = np.ndarray | LazyArray


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Samples that belong together: `x` has one entry per model input, first axis = samples.

    `y` holds class numbers (int64, one per sample), targets of any shape (float), or None.
    `answers` holds such arrays by the names (or positions, as text) of outputs, where each output
    of a model has labels of its own.
    """

    x: list[Samples]
    y: np.ndarray | None = None
    answers: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.x[0])

    @property
    def labelled(self) -> bool:
        """Whether `y` holds class numbers, so that an accuracy can be counted."""
        return self.y is not None and self.y.ndim == 1 and self.y.dtype.kind in "iu"

    def take(self, indices: Sequence[int] | np.ndarray) -> Split:
        """The samples `indices`, in that order, in memory."""
        chosen = np.asarray(indices, dtype=np.int64)
        x: list[Samples] = [array[chosen] for array in self.x]
        answers = {name: array[chosen] for name, array in self.answers.items()}
        return Split(x, None if self.y is None else self.y[chosen], answers)

    def view(self, indices: Sequence[int] | np.ndarray) -> Split:
        """As `take`, but samples are read when they are asked for."""
        chosen = np.asarray(indices, dtype=np.int64)
        x: list[Samples] = [_view(array, chosen) for array in self.x]
        answers = {name: array[chosen] for name, array in self.answers.items()}
        return Split(x, None if self.y is None else self.y[chosen], answers)

    def parts(self, size: int) -> Iterator[list[np.ndarray]]:
        """All samples in order, `size` at a time in memory, one array per model input."""
        for start in range(0, len(self), size):
            part = np.arange(start, min(start + size, len(self)))
            yield [array[part] for array in self.x]

    def arrays(self) -> list[np.ndarray]:
        """All samples in memory, one array per model input."""
        everything = np.arange(len(self))
        return [a if isinstance(a, np.ndarray) else a[everything] for a in self.x]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """What `--data` gave: `train` calibrates and trains, `test` is scored where it was given.

    Without a test pair both come from `train`: calibration from the end of a seeded permutation,
    scoring from its start, so that they share no sample. `sha256` is of the file ("" for live
    objects), `classes` the names of class folders or labels in the order of the class numbers.
    """

    train: Split
    test: Split | None = None
    classes: tuple[str, ...] = ()
    source: str = "arrays"
    sha256: str = ""
    warnings: tuple[str, ...] = ()
    generated: bool = False

    @property
    def x(self) -> list[Samples]:
        return self.train.x

    @property
    def y(self) -> np.ndarray | None:
        return self.train.y

    def calibration(self, samples: int, seed: int, *, view: bool = False) -> Split:
        """At most `samples` samples; of a labelled set without a test pair at most two thirds.

        In memory, or as a `view` that reads them when they are asked for.
        """
        count = len(self.train)
        limit = count if not self._must_share() else max(1, count - count // 3)
        chosen = _permutation(count, seed)[::-1][: min(samples, limit)]
        return self.train.view(chosen) if view else self.train.take(chosen)

    def evaluation(self, samples: int, seed: int, *, calibrated: int = 0) -> Split:
        """At most `samples` samples to score; none of the last `calibrated` of the permutation.

        Give as `calibrated` what `calibration` was asked for. Unlabelled sets are not scored, so
        there the two may share samples.
        """
        if self.test is not None:
            return self.test.take(_permutation(len(self.test), seed)[:samples])
        count = len(self.train)
        taken = min(calibrated, max(1, count - count // 3)) if self._must_share() else 0
        return self.train.take(_permutation(count, seed)[: min(samples, count - taken)])

    def _must_share(self) -> bool:
        return self.test is None and (self.train.y is not None or bool(self.train.answers))


def _view(array: Samples, chosen: np.ndarray) -> LazyArray:
    return LazyArray(len(chosen), lambda indices: array[chosen[indices]])


def _permutation(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(count)
