# SPDX-License-Identifier: Apache-2.0
"""The samples that calibrate a conversion: chosen, and looked at before any work starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset, Split

READ = 64  # samples in memory at a time
KEPT = 256  # samples that stay in memory, to compare with and to judge the scale by
FEW = 10


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationSet:
    """`split` is read when it is asked for; `first` are its first samples, one array per input."""

    split: Split
    first: list[np.ndarray]
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.split)


def calibration_set(dataset: Dataset, samples: int, seed: int) -> CalibrationSet:
    """EdgekitError for samples that are constant, NaN or infinite; warnings for too few of them.

    The samples are read once here, a few at a time.
    """
    split = dataset.calibration(samples, seed, view=True)
    where = f"'{dataset.source}'"
    look = _Look(len(split.x), where)
    first: list[list[np.ndarray]] = []
    kept = 0
    for arrays in split.parts(READ):
        look.at(arrays)
        if kept < KEPT:
            first.append(arrays)
            kept += len(arrays[0])
    look.refuse_constant()
    joined = [np.concatenate(parts) for parts in zip(*first, strict=True)]
    warnings = tuple(_warnings(dataset, split, look))
    return CalibrationSet(split, joined, warnings)


class _Look:
    """Smallest and largest value of each input, and whether all samples are the same."""

    def __init__(self, inputs: int, where: str) -> None:
        self._where = where
        self._ends = [(np.inf, -np.inf)] * inputs
        self._one: list[np.ndarray] | None = None
        self.same = True

    def at(self, arrays: list[np.ndarray]) -> None:
        from edgekit.model.fit import check_values

        one = self._one = self._one or [array[:1] for array in arrays]
        for place, array in enumerate(arrays):
            check_values(array, self._where)
            low, high = self._ends[place]
            self._ends[place] = min(low, array.min()), max(high, array.max())
            self.same = self.same and bool((array == one[place]).all())

    def refuse_constant(self) -> None:
        from edgekit.model.fit import check_not_constant

        check_not_constant([np.array(ends) for ends in self._ends], self._where)


def _warnings(dataset: Dataset, split: Split, look: _Look) -> Iterator[str]:
    from edgekit.model.fit import ENOUGH

    if dataset.generated:
        return
    count = len(split)
    if count < FEW:
        yield (
            f"only {count} sample{'s' * (count > 1)} to calibrate with: ranges will be too narrow "
            f"for other inputs; {ENOUGH}"
        )
    if count > 1 and look.same:
        yield f"all {count} calibration samples are the same; {ENOUGH}"
    elif split.labelled and count > 1 and split.y is not None and len(np.unique(split.y)) == 1:
        yield (
            f"all calibration samples are of class {_class_name(dataset, int(split.y[0]))}: ranges "
            "may be too narrow for other classes; mix them"
        )


def _class_name(dataset: Dataset, number: int) -> str:
    return dataset.classes[number] if number < len(dataset.classes) else str(number)
