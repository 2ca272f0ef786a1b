# SPDX-License-Identifier: Apache-2.0
"""Ranges known by the points of a Keras model, for the tensors of the converter's float file.

The converter renames, fuses and reorders; what a tensor holds for given samples tells which point
it is. Tensors that are no point (inside of attention, of a silu) get the range they show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.quantize.fold import Folded
from edgekit.quantize.qat.model import seen
from edgekit.quantize.ranges import choose_ranges, measure_ranges, method_named
from edgekit.quantize.weights import runner

NEAR = 1e-3  # of the largest value; float32 sums in another order differ by 1e-6
LOOKED_AT = 2
Range = tuple[float, float]
Ranges = dict[int, Range]


@dataclass(slots=True, eq=False)
class PointRanges:
    """Gives the ranges of a float file by those of the points of `folded`.

    `outside` are the names of tensors that are no point, after a call.
    """

    folded: Folded
    ranges: Mapping[str, Range]
    outside: tuple[str, ...] = ()

    def __call__(
        self,
        float_file: bytes,
        samples: Callable[[], Iterable[Sequence[np.ndarray]]],
        layer_of: Callable[[str], str],
    ) -> Ranges:
        """Tensor of `float_file` -> range. EdgekitError where no point is found again."""
        measured = measure_ranges(float_file, samples(), layer_of)
        shown = choose_ranges(measured, method_named("minmax")).ranges
        found = self._matched(float_file, samples(), list(shown))
        if not found:
            raise EdgekitError(
                "the trained ranges fit no tensor of this model",
                hint="convert the file that train-quantized wrote, unchanged",
            )
        self.outside = tuple(str(index) for index in shown if index not in found)
        return shown | found

    def _matched(
        self, float_file: bytes, samples: Iterable[Sequence[np.ndarray]], tensors: list[int]
    ) -> Ranges:
        run, observer = runner(float_file), self.folded.observer()
        names = [point.name for point in self.folded.points]
        close: dict[int, set[str]] = {index: set(names) for index in tensors}
        for _, sample in zip(range(LOOKED_AT), samples, strict=False):
            values = run(sample)
            ours = [array.ravel() for array in seen(observer, sample)]
            for index in tensors:
                flat = np.asarray(values(index)).ravel()
                close[index] &= {n for n, own in zip(names, ours, strict=True) if _equal(own, flat)}
        order = {name: place for place, name in enumerate(names)}
        return {
            index: self.ranges[name]
            for index, fitting in close.items()
            for name in sorted(fitting & self.ranges.keys(), key=order.__getitem__)[:1]
        }


def _equal(own: np.ndarray, flat: np.ndarray) -> bool:
    """Of the same size and value, to float error. A permuted tensor has the same range too."""
    if own.size != flat.size:
        return False
    limit = NEAR * max(float(np.abs(own).max(initial=0.0)), 1e-9)
    return bool(np.abs(own - flat).max(initial=0.0) <= limit)
