# SPDX-License-Identifier: Apache-2.0
"""Outputs of a device against golden outputs: bit for bit, by distance, and by task accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.errors import EdgekitError


@dataclass(frozen=True, slots=True)
class Agreement:
    """How close two sets of outputs are.

    A sample counts as `bit_exact` where every byte of every output is equal. Distances are in
    `unit`: "LSB" (steps of the integer output) or "real" (where an output is float32); they
    run over all values of all samples. `cosine` compares the values less their zero points.
    """

    samples: int
    bit_exact: int
    unit: str
    max_abs_diff: float
    rmse: float
    mae: float
    cosine: float
    first_sample: int | None

    @property
    def exact(self) -> bool:
        return self.bit_exact == self.samples


@dataclass(frozen=True, slots=True)
class Score:
    """Task accuracy (0..1) over `samples`; `confusion[true][predicted]` are counts."""

    accuracy: float
    samples: int
    confusion: tuple[tuple[int, ...], ...]


def compare_outputs(
    device: Sequence[np.ndarray],
    golden: Sequence[np.ndarray],
    *,
    zero_points: Sequence[int] = (),
) -> Agreement:
    """Agreement of outputs, each `[samples, ...]`, one array per model output.

    Raises EdgekitError where a sample, an output or a value has nothing to be compared with:
    what was not compared is never counted as equal.
    """
    _check_comparable(device, golden)
    samples = device[0].shape[0]
    same = np.ones(samples, bool)
    for ours, theirs in zip(device, golden, strict=True):
        same &= (_bytes_of(ours) == _bytes_of(theirs)).all(axis=1)
    zeros = zero_points or [0] * len(device)
    ours = _values(device, zeros)
    theirs = _values(golden, zeros)
    if not np.array_equal(np.isfinite(ours), np.isfinite(theirs)):
        raise EdgekitError(
            "an output is infinite or not a number on one side only",
            hint="quantize the output (int8), or look for a division by zero in the model",
        )
    finite = np.isfinite(ours)
    ours, theirs = ours[finite], theirs[finite]
    difference = np.abs(ours - theirs)
    integer = all(np.issubdtype(array.dtype, np.integer) for array in device)
    largest = float(difference.max(initial=0.0))
    return Agreement(
        samples=samples,
        bit_exact=int(same.sum()),
        unit="LSB" if integer else "real",
        max_abs_diff=int(largest) if integer else largest,
        rmse=float(np.sqrt(np.mean(difference**2))) if difference.size else 0.0,
        mae=float(np.mean(difference)) if difference.size else 0.0,
        cosine=cosine(ours, theirs),
        first_sample=None if same.all() else int(np.argmin(same)),
    )


def _check_comparable(device: Sequence[np.ndarray], golden: Sequence[np.ndarray]) -> None:
    if not device or len(device) != len(golden):
        raise EdgekitError(
            f"{len(device)} outputs came from the device and {len(golden)} from the golden run",
            hint="the firmware is of another model; build it again",
        )
    for index, (ours, theirs) in enumerate(zip(device, golden, strict=True)):
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            raise EdgekitError(
                f"output {index} is {ours.dtype} {ours.shape} from the device"
                f" and {theirs.dtype} {theirs.shape} from the golden run",
                hint="every sample has to be compared; run the bench again",
            )
        if ours.shape[0] == 0:
            raise EdgekitError("there is no sample to compare", hint="ask for at least one")


def _bytes_of(array: np.ndarray) -> np.ndarray:
    """`array` as bytes, one row per sample: NaNs and signed zeros compare as stored."""
    rows = np.ascontiguousarray(array).reshape(array.shape[0], -1)
    return rows.view(np.uint8)


def _values(arrays: Sequence[np.ndarray], zero_points: Sequence[int]) -> np.ndarray:
    return np.concatenate(
        [a.astype(np.float64).ravel() - z for a, z in zip(arrays, zero_points, strict=True)]
    )


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of the angle between two vectors; two zero vectors agree (1), one does not (0)."""
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    if norms == 0.0:
        return 1.0 if not a.any() and not b.any() else 0.0
    return min(1.0, max(-1.0, float(np.dot(a, b)) / norms))


def class_labels(y: np.ndarray) -> np.ndarray:
    """Class numbers `[samples]` from class numbers or one-hot rows."""
    if y.ndim == 2 and y.shape[1] > 1:
        return y.argmax(axis=1)
    return y.reshape(y.shape[0]).astype(np.int64)


def check_labels(labels: np.ndarray, outputs: int) -> int:
    """Classes that a model with `outputs` values tells apart; EdgekitError for other labels."""
    classes = max(outputs, 2)
    if labels.min() < 0 or labels.max() >= classes:
        raise EdgekitError(
            f"labels run from {labels.min()} to {labels.max()}, and there are {classes} classes",
            hint="y holds class numbers from 0, or one-hot rows",
        )
    return classes


def score(real_outputs: np.ndarray, y: np.ndarray) -> Score:
    """Accuracy and confusion of real-valued outputs `[samples, classes]` against labels `y`.

    The prediction is the largest output (the first of equals); a single output is a yes from
    0.5 on. Raises EdgekitError where labels and outputs do not fit each other.
    """
    labels = class_labels(np.asarray(y))
    rows = real_outputs.reshape(real_outputs.shape[0], -1)
    predicted = (rows[:, 0] >= 0.5).astype(np.int64) if rows.shape[1] == 1 else rows.argmax(axis=1)
    if len(labels) != len(predicted):
        raise EdgekitError(
            f"{len(labels)} labels for {len(predicted)} samples",
            hint="y needs one label per sample",
        )
    classes = check_labels(labels, rows.shape[1])
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (labels, predicted), 1)
    return Score(
        accuracy=float((labels == predicted).mean()),
        samples=len(labels),
        confusion=tuple(tuple(int(count) for count in row) for row in table),
    )
