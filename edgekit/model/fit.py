# SPDX-License-Identifier: Apache-2.0
"""Does the data fit the model: shape, dtype, values. All checks run before any work starts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.dataset import Samples
from edgekit.model.info import InputSpec


def fit_samples(array: np.ndarray, spec: InputSpec, where: str) -> np.ndarray:
    """`array` with samples first and each sample of `spec`'s shape; EdgekitError where it cannot.

    A flattened sample is unfolded, and axes of length 1 may be missing; nothing else is moved.
    """
    if array.dtype.kind not in "fiub":
        raise EdgekitError(
            f"{where} has dtype {array.dtype}, and samples are numbers",
            hint="store the samples as float32, or uint8 for images",
        )
    if array.ndim == 0 or array.size == 0:
        raise EdgekitError(f"{where} is empty", hint="give at least one sample")
    fitted = _reshaped(array, spec)
    if fitted is None:
        raise EdgekitError(
            f"{where} has samples of shape {_words(array.shape[1:])}, "
            f"but input '{spec.name}' takes {spec.words()}",
            hint="the first axis counts samples; reshape the rest to the model's input",
        )
    check_values(fitted, where)
    return fitted


def check_values(array: np.ndarray, where: str) -> None:
    """EdgekitError where a value is NaN or infinite, or too large for float32."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return
    sample = int(np.argwhere(~np.isfinite(array))[0][0])
    what = "NaN" if np.isnan(array).any() else "infinite values"
    raise EdgekitError(
        f"{where} holds {what} (first in sample {sample})", hint="clean the data and try again"
    )


def _reshaped(array: np.ndarray, spec: InputSpec) -> np.ndarray | None:
    wanted = spec.shape
    if _matches(array.shape[1:], wanted):
        return array
    if spec.open:
        grown = array[..., np.newaxis]
        return grown if wanted[-1] == 1 and _matches(grown.shape[1:], wanted) else None
    squeezed = tuple(side for side in wanted if side != 1)
    actual = tuple(side for side in array.shape[1:] if side != 1)
    flat = array.ndim == 2 and array.shape[1] == int(np.prod([s or 1 for s in wanted]))
    if squeezed != actual and not flat:
        return None
    return array.reshape(len(array), *(side or 1 for side in wanted))


def _matches(shape: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(
        w in (None, s) for s, w in zip(shape, wanted, strict=True)
    )


def _words(shape: Sequence[int]) -> str:
    return "(" + ", ".join(str(side) for side in shape) + ")"


def fit_labels(y: np.ndarray, samples: int, where: str) -> np.ndarray:
    """Labels as int64 class numbers, one-hot rows decoded; other targets as float32.

    EdgekitError where there are not as many labels as samples, or a label is NaN.
    """
    y = np.asarray(y)
    if y.ndim == 0 or len(y) != samples:
        count = 1 if y.ndim == 0 else len(y)
        raise EdgekitError(
            f"{where} has {count} labels for {samples} samples", hint="give one label per sample"
        )
    if y.dtype.kind not in "fiub":
        raise EdgekitError(
            f"{where} has labels of dtype {y.dtype}", hint="give class numbers, 0 for the first"
        )
    check_values(y, f"the labels of {where}")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and _is_one_hot(y):
        return np.argmax(y, axis=1).astype(np.int64)
    if y.dtype.kind in "iub" or (y.ndim == 1 and np.array_equal(y, np.round(y))):
        return y.astype(np.int64)
    return y.astype(np.float32)


def _is_one_hot(y: np.ndarray) -> bool:
    return bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())


ENOUGH = "give real samples, about 100 to 200 of them"


def check_not_constant(x: Sequence[Samples], where: str) -> None:
    """EdgekitError where all calibration values of an input are one number."""
    for array in x:
        values = np.asarray(array)
        if values.min() == values.max():
            raise EdgekitError(
                f"all calibration values of {where} are {values.flat[0]:g}, "
                "which says nothing about the ranges to quantize for",
                hint=ENOUGH,
            )


def check_range(x: Sequence[Samples], inputs: Sequence[InputSpec], where: str) -> None:
    """EdgekitError where data cannot be meant for a quantized input's range.

    More than half of the values saturating, or all of them within two of the 256 steps, is a
    scale that differs (0..255 for a model made for 0..1, or the reverse), not an outlier.
    """
    for array, spec in zip(x, inputs, strict=True):
        if spec.low is None or spec.high is None:
            continue
        values = np.asarray(array, dtype=np.float64)
        step = (spec.high - spec.low) / 255
        outside = float(np.mean((values < spec.low - step) | (values > spec.high + step)))
        span = float(values.max() - values.min())
        if outside <= 0.5 and not (0 < span <= 2 * step):
            continue
        raise EdgekitError(
            f"{where} spans {values.min():g}..{values.max():g}, "
            f"but input '{spec.name}' was quantized for {spec.low:.4g}..{spec.high:.4g}",
            hint="scale the data as it was in training (0..255 against 0..1 is the usual slip)",
        )
