# SPDX-License-Identifier: Apache-2.0
"""A kernel put on its integer grid, so that the converter writes exactly these integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.quantize.rounding import check_weight_scale, named_rounding
from edgekit.quantize.rounding.base import Grid, Inputs
from edgekit.quantize.rounding.scales import SCALES

FEWEST_BITS, MOST_BITS = 2, 8


@dataclass(frozen=True, slots=True, eq=False)
class Rounded:
    """`values` = `q` * scale (float32, the kernel's shape); `q` int8; `scales` one per channel.

    In every channel with a weight other than 0 the largest |q| is the limit of the grid, which is
    what lets TensorFlow's converter find the same scale and the same integers.
    """

    q: np.ndarray
    scales: np.ndarray
    values: np.ndarray
    bits: int


def round_kernel(
    kernel: np.ndarray,
    channel_axes: Sequence[int],
    *,
    rounding: str = "nearest",
    bits: int = 8,
    weight_scale: str = "max",
    inputs: Inputs | None = None,
    seed: int = 0,
    one_scale: bool = False,
) -> Rounded:
    """`kernel` with one scale per index of `channel_axes`, or with `one_scale` one for all.

    Symmetric: 0 is 0. Roundings look at the weights of each channel together in both cases.

    Weights that are 0 stay 0 under every rounding. EdgekitError for a rounding, scale or number
    of bits that there is not, for weights that are no numbers, and where `rounding` needs
    `inputs` and there are none.
    """
    way = named_rounding(rounding)
    check_weight_scale(weight_scale)
    check_bits(bits)
    if way.needs_inputs and inputs is None:
        raise EdgekitError(
            f"rounding '{rounding}' needs samples of the kernel's inputs",
            hint="give --data, or use --rounding mean, which needs none",
        )
    if not np.isfinite(kernel).all():
        raise EdgekitError(
            "a kernel holds NaN or infinity", hint="train the model again; it cannot be quantized"
        )
    limit = 2 ** (bits - 1) - 1
    matrix = as_matrix(kernel, channel_axes).astype(np.float64)
    if one_scale:
        scales = SCALES[weight_scale](matrix.reshape(-1, 1), limit)
    else:
        scales = SCALES[weight_scale](matrix, limit)
    grid = grid_of(matrix, scales, limit, one_scale=one_scale)
    whole = way(grid, inputs, np.random.default_rng(seed)) + 0.0  # no zero with a sign
    q = from_matrix(whole, kernel.shape, channel_axes)
    values = from_matrix(whole * scales.astype(np.float64), kernel.shape, channel_axes)
    return Rounded(q.astype(np.int8), scales, values.astype(np.float32), bits)


def check_bits(bits: int) -> None:
    if not FEWEST_BITS <= bits <= MOST_BITS:
        raise EdgekitError(
            f"weights of {bits} bits were asked for",
            hint=f"give {FEWEST_BITS} to {MOST_BITS} bits",
        )


def grid_of(matrix: np.ndarray, scales: np.ndarray, limit: int, *, one_scale: bool) -> Grid:
    """The matrix in steps; zeros and the largest weight of each scale fixed."""
    steps = matrix / scales
    fixed = np.where(matrix == 0, 0.0, np.nan)
    if not matrix.any():
        return Grid(steps, limit, fixed)
    if one_scale:
        places = np.unravel_index([np.argmax(np.abs(matrix))], matrix.shape)
    else:
        columns = np.flatnonzero(np.any(matrix != 0, axis=0))
        places = (np.argmax(np.abs(steps), axis=0)[columns], columns)
    fixed[places] = np.sign(steps[places]) * limit
    return Grid(steps, limit, fixed)


def as_matrix(kernel: np.ndarray, channel_axes: Sequence[int]) -> np.ndarray:
    """[rows, channels]; both in the order of the kernel's own axes."""
    rows = [axis for axis in range(kernel.ndim) if axis not in channel_axes]
    channels = math.prod(kernel.shape[axis] for axis in channel_axes)
    return kernel.transpose([*rows, *channel_axes]).reshape(-1, channels)


def from_matrix(
    matrix: np.ndarray, shape: tuple[int, ...], channel_axes: Sequence[int]
) -> np.ndarray:
    """The inverse of `as_matrix`."""
    order = [*(axis for axis in range(len(shape)) if axis not in channel_axes), *channel_axes]
    return matrix.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))
