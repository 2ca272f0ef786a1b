# SPDX-License-Identifier: Apache-2.0
"""A .tflite file of one fused LSTM, sound or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.support.tflite_builder import ModelBuilder

TANH = 4
INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, slots=True)
class Lstm:
    """Sides, scales and options of the op; weights, their scales and the biases are random."""

    units: int = 6
    inputs: int = 5
    steps: int = 4
    batches: int = 1
    in_scale: float = 0.05
    in_zero: int = -7
    weight_scale: float = 0.02
    bias: int = 400
    out_zero: int = 3
    out_scale: float = 1 / 128
    state_scale: float = 0.0
    cell_power: int = -11
    cell_scale: float = 0.0
    cell_dtype: str = "int16"
    clip: float = 10.0
    activation: int = TANH
    time_major: bool = False
    peephole: bool = False
    seed: int = 0


def lstm_op(b: ModelBuilder, x: int, of: Lstm) -> int:
    """Adds the op that reads `x`."""
    weights, biases = _constants(b, of)
    shape = (of.batches, of.units)
    scale = of.state_scale or of.out_scale
    state = b.tensor(shape, scale=scale, zero_point=of.out_zero, variable=True)
    scale = of.cell_scale or 2.0**of.cell_power
    cells = b.tensor(shape, of.cell_dtype, scale=scale, variable=True)
    holes = [biases[0] if of.peephole else -1, -1, -1]
    operands = [x, *weights, *holes, *biases, -1, -1, state, cells, *[-1] * 4]
    options: dict[str, Any] = {
        "fused_activation_function": of.activation,
        "cell_clip": of.clip,
        "time_major": of.time_major,
    }
    kind, shape_out = "UNIDIRECTIONAL_SEQUENCE_LSTM", (of.batches, of.steps, of.units)
    rest: dict[str, Any] = {"scale": of.out_scale, "zero_point": of.out_zero}
    return int(b.op(kind, operands, shape_out, options=options, **rest))


def _constants(b: ModelBuilder, of: Lstm) -> tuple[list[int], list[int]]:
    """Eight arrays of weights, four of biases."""
    rng = np.random.default_rng(of.seed)
    scales = of.weight_scale * rng.uniform(0.5, 1.5, 8).astype(np.float32)
    weights = []
    for gate, scale in enumerate(scales):
        depth = of.inputs if gate < 4 else of.units
        values = rng.integers(-127, 128, (of.units, depth)).astype(np.int8)
        weights.append(b.constant(values, scale=float(scale)))
    offsets = rng.integers(-of.bias, of.bias + 1, (4, of.units))
    offsets[0, 0] = of.bias
    rows = np.clip(offsets, INT32.min, INT32.max).astype(np.int32)
    given = [float(of.in_scale * scale) for scale in scales[:4]]
    return weights, [b.constant(row, scale=s) for row, s in zip(rows, given, strict=True)]


def lstm_file(**options: Any) -> bytes:
    """The file of one LSTM over steps of some values each."""
    of, b = Lstm(**options), ModelBuilder()
    shape = (of.batches, of.steps, of.inputs)
    x = b.input(shape, scale=of.in_scale, zero_point=of.in_zero)
    return b.finish([lstm_op(b, x, of)])
