# SPDX-License-Identifier: Apache-2.0
"""Random tensors and quantizations for .tflite files that the converter would not write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.support.tflite_builder import NONE, RELU, RELU6, RELU_N1_TO_1, ModelBuilder

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """An int8 tensor of the model that is being drawn."""

    index: int
    shape: Shape
    scale: float
    zero_point: int

    @property
    def quant(self) -> dict[str, Any]:
        return {"scale": self.scale, "zero_point": self.zero_point}


class FlatModel:
    """A model that is being drawn: random tensors, and ops between them."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.builder = ModelBuilder()

    def quant(self, near: float = 0.0) -> dict[str, Any]:
        """A scale within e^+-3 of `near` (else 1e-4..1), often a zero point at its limit."""
        rng = self.rng
        center = near or float(np.exp(rng.uniform(np.log(1e-4), 0.0)))
        scale = float(np.float32(center * np.exp(rng.normal(0, 1.0) if near else 0.0)))
        limits = [-128, 127, 0, int(rng.integers(-128, 128))]
        return {"scale": scale, "zero_point": limits[int(rng.integers(4))]}

    def add_input(self, shape: Shape) -> Node:
        quant = self.quant()
        return Node(self.builder.input(shape, **quant), shape, **quant)

    def constant(self, shape: Shape, quant: dict[str, Any]) -> Node:
        values = self.rng.integers(-128, 128, shape).astype(np.int8)
        return Node(self.builder.constant(values, **quant), shape, **quant)

    def op(
        self,
        kind: str,
        inputs: list[int],
        shape: Shape,
        quant: dict[str, Any],
        options: dict[str, Any] | None = None,
    ) -> Node:
        index = self.builder.op(kind, inputs, shape, options=options, **quant)
        return Node(index, shape, quant["scale"], quant["zero_point"])

    def function(self) -> int:
        return int(self.rng.choice([NONE, NONE, RELU, RELU6, RELU_N1_TO_1]))

    def weights(self, shape: Shape, channels: int, axis: int) -> tuple[int, np.ndarray]:
        rng = self.rng
        values = rng.integers(-127, 128, shape).astype(np.int8)
        values[rng.random(shape) < 0.3] = 0
        scales = np.exp(rng.uniform(-9, -3, channels)).astype(np.float32)
        return self.builder.constant(values, scales=scales, axis=axis), scales

    def bias(self, channels: int, scales: np.ndarray, source: Node) -> int:
        if self.rng.random() < 0.3:
            return -1
        values = self.rng.integers(-5000, 5000, channels).astype(np.int32)
        return self.builder.constant(values, scales=scales * source.scale, axis=0)
