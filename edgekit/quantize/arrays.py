# SPDX-License-Identifier: Apache-2.0
"""Between real numbers and the integers of a quantized tensor. Imports only numpy.

The arithmetic is that of TensorFlow Lite's quantization specification: real = (q - zero point) *
scale, rounded half away from zero, clipped to the type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError

# Lowest and highest stored value. int4 is stored in int8 here, as kernels see it unpacked.
LIMITS = {
    "int4": (-8, 7),
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-32768, 32767),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
}
_HELD_IN = {"int4": "int8"}
# Values beyond 24 bits are not whole numbers' neighbours in float32 any more.
_WIDE = ("int32", "int64")

Scale = float | Sequence[float] | np.ndarray
ZeroPoint = int | Sequence[int] | np.ndarray


def quantize_array(
    x: Any, scale: Scale, zero_point: ZeroPoint = 0, dtype: str = "int8", *, axis: int | None = None
) -> np.ndarray:
    """round(x / scale) + zero_point, clipped to `dtype`, with the shape of x.

    `dtype` is "int4" (given as int8), "int8", "uint8", "int16", "int32" or "int64"; "float32"
    gives x as float32, unchanged. In float32 (float64 for 32 and 64 bits) and with halves rounded
    away from zero, as TFLite's QUANTIZE op does it. Scales and zero points are one each, or with
    `axis` one per index of that axis. EdgekitError for NaN, for a scale that is not a positive
    number, and for scales that do not fit the axis.
    """
    if dtype == "float32":
        return np.asarray(x, np.float32)
    if dtype not in LIMITS:
        raise EdgekitError(
            f"there is no quantized type '{dtype}'", hint=f"one of: {', '.join(LIMITS)}, float32"
        )
    kind: Any = np.float64 if dtype in _WIDE else np.float32
    array = np.asarray(x, kind)
    if np.isnan(array).any():
        raise EdgekitError("an array with NaN has no integers", hint="remove the NaN values first")
    steps, zero = _spread(array, np.asarray(scale, kind), np.asarray(zero_point, np.int64), axis)
    value = array / steps
    whole = np.trunc(value)
    whole = whole + np.copysign((np.abs(value - whole) >= 0.5).astype(kind), value)
    low, high = LIMITS[dtype]
    clipped = np.clip(whole + zero, low, high)
    held = _HELD_IN.get(dtype, dtype)
    if dtype == "int64":  # float64 rounds the highest value up, past the type
        clipped = np.minimum(clipped, np.nextafter(float(high), 0))
    return clipped.astype(held)


def dequantize_array(
    q: Any, scale: Scale, zero_point: ZeroPoint = 0, *, axis: int | None = None
) -> np.ndarray:
    """(q - zero_point) * scale as float32, shape of q; float arrays are returned unchanged.

    Scales and zero points as in `quantize_array`.
    """
    stored = np.asarray(q)
    if stored.dtype.kind == "f":
        return np.asarray(stored, np.float32)
    steps, zero = _spread(
        stored, np.asarray(scale, np.float32), np.asarray(zero_point, np.int64), axis
    )
    whole = stored.astype(np.int64) - zero
    return np.asarray(whole.astype(np.float32) * steps, np.float32)


def _spread(
    array: np.ndarray, scale: np.ndarray, zero_point: np.ndarray, axis: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero point in a shape that broadcasts with `array`."""
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise EdgekitError(
            f"a scale of {float(np.min(scale)):g} quantizes nothing", hint="scales are positive"
        )
    pair = []
    for what, values in (("scales", scale), ("zero points", zero_point)):
        flat = values.ravel()
        if axis is None:
            if flat.size != 1:
                raise EdgekitError(
                    f"{flat.size} {what} without an axis", hint="name the axis that they belong to"
                )
            pair.append(flat.reshape(()))
            continue
        if not -array.ndim <= axis < array.ndim or flat.size not in (1, array.shape[axis]):
            raise EdgekitError(
                f"{flat.size} {what} do not fit axis {axis} of shape {array.shape}",
                hint="give one, or one per index of the axis",
            )
        shape = [1] * array.ndim
        shape[axis] = flat.size
        pair.append(flat.reshape(shape))
    return pair[0], pair[1]
