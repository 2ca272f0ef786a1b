# SPDX-License-Identifier: Apache-2.0
"""What data must look like to fit a model."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One model input: `shape` without the batch (None = open), `dtype` as the model takes it.

    `low` and `high` bound the real values that a quantized input can hold; None for float inputs.
    """

    name: str
    shape: Shape
    dtype: str = "float32"
    low: float | None = None
    high: float | None = None

    @property
    def open(self) -> bool:
        return any(side is None for side in self.shape)

    def words(self) -> str:
        """Shape as text, open sides as `?`."""
        return "(" + ", ".join("?" if side is None else str(side) for side in self.shape) + ")"
