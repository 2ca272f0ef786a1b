# SPDX-License-Identifier: Apache-2.0
"""Random .tflite files of pruned layers: zeros in every shape that kernels skip, or in none.

Chains of convolutions of any window, stride, padding, batch and channel count, fully connected
layers at their end; each layer draws its shape of zeros, its activation and its quantization.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.support.sparse_models import Mask, blocks, single, two_of_four
from tests.support.tflite_builder import NONE, RELU, RELU6, SAME, VALID, ModelBuilder

SHAPES: tuple[Mask, ...] = (blocks(2, 2), blocks(4, 2), blocks(8, 2), two_of_four, single)
SPARSITIES = {"sparse50": 0.5, "sparse75": 0.75, "sparse90": 0.9}
MOST_WEIGHTS = 40_000


@dataclass(slots=True)
class _Draw:
    b: ModelBuilder
    rng: np.random.Generator
    sparsity: float

    def some(self, *choices: int) -> int:
        return int(self.rng.choice(choices))

    def product(self, x: int, shape: tuple[int, ...], scale: float) -> tuple[list[int], dict]:
        """Operands of a layer with weights of `shape`, and the quantization of its output."""
        out_c, taps = shape[0], int(np.prod(shape[1:]))
        sparsity = float(np.clip(self.sparsity + self.rng.normal(0, 0.08), 0, 0.99))
        keep = SHAPES[self.rng.integers(len(SHAPES))](self.rng, out_c, taps, sparsity)
        idle = self.rng.random(out_c) < 0.1
        values = np.where(keep & ~idle[:, None], self.rng.integers(-127, 128, (out_c, taps)), 0)
        one = len(shape) == 2 and self.rng.random() < 0.7
        scales = np.exp(self.rng.uniform(-7, -5, 1 if one else out_c)).astype(np.float32)
        w = self.b.constant(values.astype(np.int8).reshape(shape), scales=scales, axis=0)
        bias_scales = np.maximum(scales * scale, 1e-37).astype(np.float32)
        bias = self.b.constant(
            self.rng.integers(-4000, 4000, out_c).astype(np.int32), scales=bias_scales, axis=0
        )
        wide = float(scale * np.exp(-6) * 55 * np.sqrt(max(taps * (1 - sparsity), 1)))
        quant = {"scale": wide, "zero_point": self.some(-128, -128, -20, 3)}
        return [x, w, bias], quant

    def function(self) -> int:
        return self.some(NONE, RELU, RELU, RELU6)


def draw_sparse(kind: str, seed: int) -> bytes:
    """A chain of one to four layers."""
    rng = np.random.default_rng((seed, 77))
    d = _Draw(ModelBuilder(), rng, SPARSITIES[kind])
    shape = (d.some(1, 1, 1, 2), *(int(n) for n in rng.integers(1, 13, 2)), d.some(3, 4, 8, 13, 24))
    scale = float(np.exp(rng.uniform(-5, -2)))
    x = d.b.input(shape, scale=scale, zero_point=int(rng.integers(-128, 128)))
    convolutions = int(rng.integers(0, 4))
    for _ in range(convolutions):
        x, shape, scale = _conv(d, x, shape, scale)
    if rng.random() < 0.6 or not convolutions:
        x = _dense(d, x, shape, scale)
    return d.b.finish([x])


def _conv(
    d: _Draw, x: int, shape: tuple[int, ...], scale: float
) -> tuple[int, tuple[int, ...], float]:
    kernel = [min(d.some(1, 1, 3, 3, 3, 5, 2), side) for side in shape[1:3]]
    stride = [d.some(1, 1, 1, 2, 3) for _ in range(2)]
    padding = d.some(SAME, VALID)
    out_c = d.some(2, 5, 8, 9, 16, 24)
    out_c = max(min(out_c, MOST_WEIGHTS // (kernel[0] * kernel[1] * shape[3])), 2)
    sides = [
        -(-side // s) if padding == SAME else (side - k) // s + 1
        for side, k, s in zip(shape[1:3], kernel, stride, strict=True)
    ]
    inputs, quant = d.product(x, (out_c, *kernel, shape[3]), scale)
    options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1]}
    options |= {"fused_activation_function": d.function()}
    to = (shape[0], *sides, out_c)
    return d.b.op("CONV_2D", inputs, to, options=options, **quant), to, quant["scale"]


def _dense(d: _Draw, x: int, shape: tuple[int, ...], scale: float) -> int:
    depth = int(np.prod(shape[1:])) if d.rng.random() < 0.6 else shape[-1]
    rows = int(np.prod(shape)) // depth
    units = max(min(d.some(3, 8, 12, 32, 40), MOST_WEIGHTS // depth), 2)
    inputs, quant = d.product(x, (units, depth), scale)
    options = {"fused_activation_function": d.function()}
    return d.b.op("FULLY_CONNECTED", inputs, (rows, units), options=options, **quant)
