# SPDX-License-Identifier: Apache-2.0
"""Kernels of every layer seen alike: [taps, inputs, outputs]."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Layout:
    """Which axes of a kernel are taps (window positions), inputs and outputs."""

    taps: tuple[int, ...] = ()
    inputs: tuple[int, ...] = (0,)
    outputs: tuple[int, ...] = (1,)

    @property
    def order(self) -> tuple[int, ...]:
        return (*self.taps, *self.inputs, *self.outputs)

    def matrix(self, array: np.ndarray) -> np.ndarray:
        """`array` (a kernel, or scores of its shape) as [taps, inputs, outputs]."""
        return array.transpose(self.order).reshape(self.matrix_shape(array.shape))

    def matrix_shape(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        taps, inputs, outputs = (
            math.prod(shape[axis] for axis in axes)
            for axes in (self.taps, self.inputs, self.outputs)
        )
        return taps, inputs, outputs

    def kernel(self, matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The inverse of `matrix`: an array of the kernel's own `shape`."""
        moved = matrix.reshape([shape[axis] for axis in self.order])
        return moved.transpose(np.argsort(self.order))


DENSE = Layout()


def layout_of(layer: Any, attribute: str, rank: int) -> Layout:
    """Of Keras's kernels: convolutions taps x I x O, transposed ones taps x O x I, dense I x O."""
    if type(layer).__name__.startswith("EinsumDense") or hasattr(layer, "equation"):
        return _einsum(str(layer.equation), rank)
    taps = tuple(range(rank - 2))
    if "Transpose" in type(layer).__name__:
        return Layout(taps, (rank - 1,), (rank - 2,))
    return Layout(taps, (rank - 2,), (rank - 1,))


def _einsum(equation: str, rank: int) -> Layout:
    """An axis that is summed over is an input; one that both sides have is like a tap."""
    left, out = equation.replace("...", "").replace(" ", "").split("->")
    x, kernel = left.split(",")
    axes = range(rank)
    return Layout(
        taps=tuple(axis for axis in axes if kernel[axis] in out and kernel[axis] in x),
        inputs=tuple(axis for axis in axes if kernel[axis] not in out),
        outputs=tuple(axis for axis in axes if kernel[axis] in out and kernel[axis] not in x),
    )
