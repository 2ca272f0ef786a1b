# SPDX-License-Identifier: Apache-2.0
"""4-bit weights in a .tflite: type INT4, two to a byte, the first in the low half."""

from __future__ import annotations

import numpy as np

from edgekit.tflite.graph import Tensor

LIMIT8, LIMIT4 = 127, 7


def narrowed(weights: Tensor, *, one_scale: bool) -> tuple[np.ndarray, np.ndarray]:
    """4-bit steps (int8, the tensor's shape) of constant int8 weights, and their float32 scales.

    A channel's largest weight stays what it was, as 7 steps; with `one_scale` that of the whole
    tensor. A weight that was put on such a grid before comes back exactly: the converter wrote
    round(q4 * 127 / 7) for it.
    """
    assert weights.data is not None
    scales = np.array(weights.q.scales, np.float64)
    real = weights.data * scales[weights.channels()].reshape(weights.shape)
    if one_scale:
        largest = np.array([np.max(np.abs(real), initial=0.0)])
        wide = np.where(largest > 0, largest / LIMIT4, scales[:1])
        steps = real / wide
    else:
        wide = scales * (LIMIT8 / LIMIT4)
        steps = real / wide[weights.channels()].reshape(weights.shape)
    q = np.trunc(steps + np.copysign(0.5, steps)).astype(np.int8)
    return q, wide.astype(np.float32)


def pack_4_bits(q: np.ndarray) -> np.ndarray:
    """uint8 [(elements + 1) // 2] of int8 values from -8 to 7."""
    flat = q.astype(np.int8).ravel().view(np.uint8) & 0x0F
    if flat.size % 2:
        flat = np.append(flat, np.uint8(0))
    return flat[0::2] | (flat[1::2] << 4)


def unpack_4_bits(packed: np.ndarray, elements: int) -> np.ndarray:
    """int8 [elements], the inverse of `pack_4_bits`."""
    raw = np.asarray(packed, np.uint8)
    halves = np.stack([raw & 0x0F, raw >> 4], axis=-1).ravel()[:elements].astype(np.int8)
    return np.where(halves > 7, halves - 16, halves).astype(np.int8)
