# SPDX-License-Identifier: Apache-2.0
"""Random tensors and quantizations for .tflite files that the converter would not write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.support.tflite_builder import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, ModelBuilder

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


def window_sides(side: int, k: int, stride: int, dilation: int, padding: int) -> int:
    if padding == SAME:
        return -(-side // stride)
    return (side - (k - 1) * dilation - 1) // stride + 1


def place_window(
    d: FlatModel, node: Node, dilate: bool = True
) -> tuple[list[int], Shape, dict[str, Any]]:
    """Kernel sides, output sides and the options for a window over `node`."""
    rng = d.rng
    kernel = [int(rng.integers(1, min(4, s) + 1)) for s in node.shape[1:3]]
    strides = [int(s) for s in rng.integers(1, 4, 2)]
    padding = int(rng.integers(0, 2))
    options = {"padding": padding, "stride_h": strides[0], "stride_w": strides[1]}
    dilations = [1, 1]
    if dilate:
        fits = [(s - 1) // max(k - 1, 1) for s, k in zip(node.shape[1:3], kernel, strict=True)]
        dilations = [int(rng.integers(1, min(3, max(f, 1)) + 1)) for f in fits]
        options |= {"dilation_h_factor": dilations[0], "dilation_w_factor": dilations[1]}
    sides = tuple(
        window_sides(node.shape[i + 1], kernel[i], strides[i], dilations[i], padding)
        for i in range(2)
    )
    return kernel, sides, options | {"fused_activation_function": d.function()}
