# SPDX-License-Identifier: Apache-2.0
"""Between real numbers and the integers of a quantized tensor. Imports only numpy."""

from __future__ import annotations

import numpy as np


def quantize_array(x: np.ndarray, scale: float, zero_point: int, dtype: str) -> np.ndarray:
    """round(x / scale) + zero_point, clipped to `dtype` ("int8", "uint8", "int16"), shape of x.

    In float32 and with halves rounded away from zero, as TFLite's QUANTIZE op does it. A `dtype`
    of "float32" gives x as float32, unchanged.
    """
    if dtype == "float32":
        return np.asarray(x, np.float32)
    value = np.asarray(x, np.float32) / np.float32(scale)
    whole = np.trunc(value)
    whole = whole + np.copysign((np.abs(value - whole) >= 0.5).astype(np.float32), value)
    limits = np.iinfo(dtype)
    return np.clip(whole + zero_point, limits.min, limits.max).astype(dtype)


def dequantize_array(q: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """(q - zero_point) * scale as float32, shape of q; float arrays are returned unchanged."""
    if q.dtype.kind == "f":
        return np.asarray(q, np.float32)
    return (q.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)
