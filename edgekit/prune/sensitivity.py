# SPDX-License-Identifier: Apache-2.0
"""Hurt one kernel of a model at a time and let the caller see what becomes of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.targets import Kernel

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Harm:
    """What is done to a kernel: a share of its weights becomes zero, or all get `bits` bits."""

    sparsity: float = 0.0
    bits: int = 0

    def __call__(self, kernel: Kernel, worth: np.ndarray | None = None) -> np.ndarray:
        """The kernel's values after it; `worth` are scores of its weights, their sizes if None."""
        values = kernel.values()
        if self.bits:
            return rounded(values, self.bits, channel_axes(kernel))
        return without_lowest(values, np.abs(values) if worth is None else worth, self.sparsity)


@dataclass(frozen=True, slots=True, eq=False)
class Probe(Generic[Result]):
    """What `measure` said about the model with `harm` done to `kernel` alone."""

    kernel: Kernel
    harm: Harm
    result: Result


def scan(
    kernels: Sequence[Kernel],
    harms: Sequence[Harm],
    measure: Callable[[], Result],
    worths: Sequence[np.ndarray] | None = None,
) -> Iterator[Probe[Result]]:
    """One probe for each kernel and harm, kernel by kernel.

    `worths` are scores of the weights, an array of its shape per kernel, by which sparsity takes
    the lowest; magnitudes if None. Each kernel has its own values again, bit for bit, before the
    next one is touched and however the scan ends.
    """
    given = worths if worths is not None else [None] * len(kernels)
    for kernel, worth in zip(kernels, given, strict=True):
        own: Any = np.asarray(kernel.variable).copy()
        try:
            for harm in harms:
                kernel.variable.assign(harm(kernel, worth).astype(own.dtype))
                result = measure()
                kernel.variable.assign(own)
                yield Probe(kernel, harm, result)
        finally:
            kernel.variable.assign(own)


def without_lowest(values: np.ndarray, worth: np.ndarray, sparsity: float) -> np.ndarray:
    """`values` with round(sparsity * size) of those of the lowest worth zero, first ones first."""
    flat = values.copy().ravel()
    flat[np.argsort(worth.ravel(), kind="stable")[: round(sparsity * flat.size)]] = 0
    return flat.reshape(values.shape)


def rounded(values: np.ndarray, bits: int, axes: tuple[int, ...]) -> np.ndarray:
    """`values` on a symmetric grid of `bits` bits with one scale per index of `axes`.

    The largest magnitude of each becomes 2^(bits-1) - 1 steps and halves round away from zero, as
    TensorFlow Lite's converter does it for weights.
    """
    others = tuple(axis for axis in range(values.ndim) if axis not in axes)
    top = 2 ** (bits - 1) - 1
    scale = np.max(np.abs(values), axis=others, keepdims=True) / top
    steps = values / np.where(scale == 0, 1, scale)
    return np.trunc(steps + np.copysign(0.5, steps)) * scale


def channel_axes(kernel: Kernel) -> tuple[int, ...]:
    """Axes over which TensorFlow Lite keeps a scale for each index: the output channels."""
    last = len(kernel.variable.shape) - 1
    kind = type(kernel.layer).__name__
    if kernel.attribute == "depthwise_kernel" or kind.startswith("Depthwise"):
        return (last - 1, last)
    return (last - 1,) if "Transpose" in kind else (last,)


def check_harms(sparsities: Sequence[float], bits: Sequence[int]) -> tuple[Harm, ...]:
    """One Harm for each value, in order; EdgekitError for none, repeated or impossible ones."""
    for sparsity in sparsities:
        if not 0.0 < sparsity < 1.0:
            raise EdgekitError(
                f"a sparsity of {sparsity:g} was asked for, and it lies between 0 and 1",
                hint="give --sparsities 0.5,0.75,0.9",
            )
    for count in bits:
        if not 2 <= count <= 16:
            raise EdgekitError(
                f"weights of {count} bits were asked for, and 2 to 16 can be tried",
                hint="give --bits 8,4",
            )
    harms = tuple(Harm(sparsity=float(s)) for s in sparsities)
    harms += tuple(Harm(bits=int(b)) for b in bits)
    if not harms or len(set(harms)) != len(harms):
        raise EdgekitError(
            "there is nothing to try" if not harms else "a sparsity or bit width is given twice",
            hint="give --sparsities 0.5,0.75,0.9 and --bits 8,4",
        )
    return harms
