# SPDX-License-Identifier: Apache-2.0
"""Blocks of neighbouring inputs x neighbouring outputs, at one tap, go together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.structures.groups import Groups


@dataclass(frozen=True, slots=True)
class Blocks:
    """`inputs` x `outputs`; where a side does not divide, the last blocks are smaller."""

    inputs: int
    outputs: int

    def __post_init__(self) -> None:
        if self.inputs < 1 or self.outputs < 1:
            raise EdgekitError(
                f"a block of {self.name} holds no weight",
                hint="give AxB with A inputs and B outputs, 2x2 for example",
            )

    @property
    def name(self) -> str:
        return f"{self.inputs}x{self.outputs}"

    def groups(self, scores: np.ndarray) -> Groups:
        sizes = self._tiles(np.ones(scores.shape)).sum(axis=(2, 4))
        squares = self._tiles(scores.astype(np.float64) ** 2).sum(axis=(2, 4))
        return Groups(np.sqrt(squares / sizes).ravel(), sizes.ravel().astype(np.int64))

    def expand(self, keep: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
        taps, rows, columns = self._counts(shape)
        blocks = keep.reshape(taps, rows, columns)
        wide = blocks.repeat(self.inputs, axis=1).repeat(self.outputs, axis=2)
        return wide[:, : shape[1], : shape[2]]

    def note(self, shape: tuple[int, int, int]) -> str:
        said = [
            f"{count} {side} do not divide by {block}: the last block is {count % block} wide"
            for side, count, block in (
                ("inputs", shape[1], self.inputs),
                ("outputs", shape[2], self.outputs),
            )
            if count % block
        ]
        return "; ".join(said)

    def _counts(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        return shape[0], math.ceil(shape[1] / self.inputs), math.ceil(shape[2] / self.outputs)

    def _tiles(self, array: np.ndarray) -> np.ndarray:
        """[taps, block rows, inputs, block columns, outputs], filled up with zeros."""
        taps, rows, columns = self._counts(array.shape)
        padded = np.zeros((taps, rows * self.inputs, columns * self.outputs))
        padded[:, : array.shape[1], : array.shape[2]] = array
        return padded.reshape(taps, rows, self.inputs, columns, self.outputs)
