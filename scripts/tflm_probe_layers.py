# SPDX-License-Identifier: Apache-2.0
"""The parts of tflm_probes: data, constants, and the operators that have weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support.tflite_builder import SAME, ModelBuilder

Probe = Callable[[ModelBuilder, str], Any]
SHAPE = (1, 4, 4, 8)
QUANTIZED = ("int8", "uint8", "int16")
WEIGHTED = {
    "CONV_2D": ((8, 3, 3, 8), 0, (1, 4, 4, 8)),
    "DEPTHWISE_CONV_2D": ((1, 3, 3, 8), 3, (1, 4, 4, 8)),
    "FULLY_CONNECTED": ((6, 8), 0, (1, 6)),
    "TRANSPOSE_CONV": ((8, 3, 3, 8), 0, (1, 4, 4, 8)),
}


def quant(dtype: str, scale: float = 0.5, zero_point: int = 0) -> dict[str, Any]:
    return {"scale": scale, "zero_point": zero_point} if dtype in QUANTIZED else {}


def data(b: ModelBuilder, dtype: str, shape: tuple[int, ...] = SHAPE) -> int:
    return b.input(shape, dtype, **quant(dtype))


def values(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    return (1 + np.arange(int(np.prod(shape))) % 3).reshape(shape).astype(dtype)


def constant(b: ModelBuilder, dtype: str, shape: tuple[int, ...]) -> int:
    return b.constant(values(dtype, shape), **quant(dtype))


def weighted(kind: str, *, each: bool = False, narrow: bool = False) -> Probe:
    """An operator with int8 weights (`narrow`: int4), one scale or one for `each` channel."""

    def probe(b: ModelBuilder, dtype: str) -> Any:
        shape, axis, output = WEIGHTED[kind]
        real = dtype == "float32"
        scales = [0.5] * (shape[axis] if each else 1)
        rest: dict[str, Any] = {} if real else {"scales": scales, "axis": axis if each else 0}
        if narrow:
            packed = np.zeros((int(np.prod(shape)) + 1) // 2, np.uint8)
            w = b.tensor(shape, "int4", data=packed, **rest)
        else:
            w = b.constant(values("float32" if real else "int8", shape), **rest)
        wide = {"float32": "float32", "int16": "int64"}.get(dtype, "int32")
        offsets = values(wide, (shape[axis],))
        bias = b.constant(offsets, **({} if real else {"scales": [0.25] * len(scales)}))
        x = data(b, dtype, (1, 8) if kind == "FULLY_CONNECTED" else SHAPE)
        inputs = [x, w, bias]
        if kind == "TRANSPOSE_CONV":
            inputs = [b.constant(list(output)), w, x, bias]
        options = {"padding": SAME} if kind != "FULLY_CONNECTED" else {}
        return [b.op(kind, inputs, output, dtype, options=options, **quant(dtype))]

    return probe


def matmul(b: ModelBuilder, dtype: str) -> Any:
    pair = [data(b, dtype, (1, 4, 8)), data(b, dtype, (1, 8, 6))]
    return [b.op("BATCH_MATMUL", pair, (1, 4, 6), dtype, **quant(dtype))]


def svdf(b: ModelBuilder, dtype: str) -> Any:
    real = dtype == "float32"
    kinds = ("float32",) * 4 if real else ("int8", "int16", "int32", "int16")
    scales: list[dict[str, Any]] = (
        [{}] * 4 if real else [{"scale": scale} for scale in (0.5, 0.01, 0.0002, 0.02)]
    )
    feature = b.constant(values(kinds[0], (4, 8)), **scales[0])
    time = b.constant(values(kinds[1], (4, 3)), **scales[1])
    bias = b.constant(values(kinds[2], (2,)), **scales[2])
    state = b.tensor((1, 12), kinds[3], name="variable", **scales[3])
    x = data(b, dtype, (1, 8))
    return [
        b.op(
            "SVDF",
            [x, feature, time, bias, state],
            (1, 2),
            dtype,
            options={"rank": 2},
            **quant(dtype),
        )
    ]


def lstm(b: ModelBuilder, dtype: str) -> Any:
    """A layer of 4 units over 3 steps of 8 values, without peepholes and projection."""
    real = dtype == "float32"
    weight, wide = ("float32", "float32") if real else ("int8", "int32")
    own: dict[str, Any] = {} if real else {"scale": 0.01}
    x = data(b, dtype, (1, 3, 8))
    gates = [b.constant(values(weight, (4, 8)), **own) for _ in range(4)]
    recurrent = [b.constant(values(weight, (4, 4)), **own) for _ in range(4)]
    offsets: dict[str, Any] = {} if real else {"scale": 0.005}
    biases = [b.constant(values(wide, (4,)), **offsets) for _ in range(4)]
    state = b.tensor((1, 4), dtype, name="variable", **quant(dtype, 1 / 128))
    cell = b.tensor(
        (1, 4),
        "float32" if real else "int16",
        name="variable",
        **({} if real else {"scale": 1 / 2048}),
    )
    absent = [-1, -1, -1]
    inputs = [x, *gates, *recurrent, *absent, *biases, -1, -1, state, cell, -1, -1, -1, -1]
    options = {"fused_activation_function": 4, "cell_clip": 10.0}
    rest = quant(dtype, 1 / 128)
    kind = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    return [b.op(kind, inputs, (1, 3, 4), dtype, options=options, **rest)]
