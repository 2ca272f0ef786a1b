# SPDX-License-Identifier: Apache-2.0
"""A small int8 .tflite for each operator that may get another format, around that one operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.quantize.formats.rewrite import apply_formats
from edgekit.quantize.formats.rules import parse_rules
from edgekit.tflite.golden import TflmGolden
from edgekit.tflite.reader import read_graph
from tests.support.tflite_builder import SAME, ModelBuilder

SHAPE = (1, 4, 4, 4)
SCALE, ZERO = 0.05, 3
ALIKE = {"scale": SCALE, "zero_point": ZERO}
WIDE = {"scale": 0.11, "zero_point": -5}
NEAR = 1  # steps of an int8 output; 16 bits inside round to it once more
STEPS4, STEPS8 = 7, 127  # of a channel's largest weight
Made = Callable[[ModelBuilder, int], Any]


def _weights(b: ModelBuilder, shape: tuple[int, ...], axis: int) -> tuple[int, np.ndarray]:
    """Weights on a 4-bit grid, held as int8: either format has the same ones, but for 2 %."""
    rng = np.random.default_rng(3)
    q = rng.integers(-STEPS4, STEPS4 + 1, shape)
    q.reshape(-1)[:: max(1, q.size // 40)] = STEPS4
    scales = rng.uniform(0.004, 0.006, shape[axis])
    stored = np.rint(q * STEPS8 / STEPS4).astype(np.int8)
    return b.constant(stored, scales=scales, axis=axis), scales


def _bias(b: ModelBuilder, scales: np.ndarray) -> int:
    values = np.random.default_rng(4).integers(-3000, 3000, len(scales)).astype(np.int32)
    return b.constant(values, scales=SCALE * scales)


def conv(b: ModelBuilder, x: int) -> int:
    kernel, scales = _weights(b, (6, 3, 3, 4), 0)
    inputs, options = [x, kernel, _bias(b, scales)], {"padding": SAME}
    return int(b.op("CONV_2D", inputs, (1, 4, 4, 6), options=options, **WIDE))


def depthwise(b: ModelBuilder, x: int) -> int:
    kernel, scales = _weights(b, (1, 3, 3, 4), 3)
    inputs, options = [x, kernel, _bias(b, scales)], {"padding": SAME}
    return int(b.op("DEPTHWISE_CONV_2D", inputs, SHAPE, options=options, **WIDE))


def dense(b: ModelBuilder, x: int, *, scales: int = 1) -> int:
    """With one scale, or one for each of the 5 output channels."""
    rng = np.random.default_rng(5)
    q = rng.integers(-STEPS4, STEPS4 + 1, (5, 4))
    q[:, 0] = STEPS4
    scale = np.linspace(0.008, 0.012, 5)[:scales]
    weights = b.constant(np.rint(q * STEPS8 / STEPS4).astype(np.int8), scales=scale)
    bias = b.constant(rng.integers(-3000, 3000, 5).astype(np.int32), scales=SCALE * scale)
    options = {"keep_num_dims": True}
    return int(b.op("FULLY_CONNECTED", [x, weights, bias], (1, 4, 4, 5), options=options, **WIDE))


def transpose_conv(b: ModelBuilder, x: int) -> int:
    kernel, scales = _weights(b, (6, 3, 3, 4), 0)
    shape = (1, 8, 8, 6)
    inputs = [b.constant(list(shape)), kernel, x, _bias(b, scales)]
    options = {"padding": SAME, "stride_h": 2, "stride_w": 2}
    return int(b.op("TRANSPOSE_CONV", inputs, shape, options=options, version=3, **WIDE))


def _other(b: ModelBuilder, shape: tuple[int, ...] = SHAPE) -> int:
    values = np.random.default_rng(6).integers(-100, 100, shape).astype(np.int8)
    return b.constant(values, **ALIKE)


def _pair(kind: str, **quant: float) -> Made:
    return lambda b, x: b.op(kind, [x, _other(b)], SHAPE, **(quant or ALIKE))


def _alone(kind: str, shape: tuple[int, ...] = SHAPE, *words: Any, **rest: Any) -> Made:
    """`words` are constant inputs behind the first."""

    def made(b: ModelBuilder, x: int) -> Any:
        constants = [b.constant(word) for word in words]
        return b.op(kind, [x, *constants], shape, **(ALIKE | rest))

    return made


def _prelu(b: ModelBuilder, x: int) -> int:
    alpha = b.constant(np.array([[[10, 20, 30, 40]]], np.int8), scale=0.01)
    return int(b.op("PRELU", [x, alpha], SHAPE, **ALIKE))


def _padv2(b: ModelBuilder, x: int) -> int:
    pads = b.constant([[0, 0], [1, 1], [1, 1], [0, 0]])
    value = b.constant(np.array([25], np.int8), **ALIKE)
    return int(b.op("PADV2", [x, pads, value], (1, 6, 6, 4), **ALIKE))


def _split(b: ModelBuilder, x: int) -> list[int]:
    return list(b.op("SPLIT", [b.constant(3), x], (1, 4, 4, 2), count=2, options=_NUM, **ALIKE))


def _split_v(b: ModelBuilder, x: int) -> list[int]:
    inputs = [x, b.constant([2, 2]), b.constant(3)]
    return list(b.op("SPLIT_V", inputs, (1, 4, 4, 2), count=2, options=_NUM, **ALIKE))


def _matmul(b: ModelBuilder, x: int) -> int:
    return int(b.op("BATCH_MATMUL", [x, _other(b)], SHAPE, scale=0.3, zero_point=4))


_NUM = {"num_splits": 2}
_FIXED = {"scale": 1 / 256, "zero_point": -128}
_PADS = [[0, 0], [1, 1], [1, 1], [0, 0]]
CASES: dict[str, Made] = {
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": depthwise,
    "FULLY_CONNECTED": dense,
    "TRANSPOSE_CONV": transpose_conv,
    "ADD": _pair("ADD", **WIDE),
    "SUB": _pair("SUB", **WIDE),
    "MUL": _pair("MUL", scale=0.2, zero_point=2),
    "SQUARED_DIFFERENCE": _pair("SQUARED_DIFFERENCE", scale=0.3, zero_point=-128),
    "MAXIMUM": _pair("MAXIMUM"),
    "MINIMUM": _pair("MINIMUM"),
    "BATCH_MATMUL": _matmul,
    "MAX_POOL_2D": _alone("MAX_POOL_2D", (1, 3, 3, 4), options={"padding": 1}),
    "AVERAGE_POOL_2D": _alone("AVERAGE_POOL_2D", (1, 3, 3, 4), options={"padding": 1}),
    "MEAN": _alone("MEAN", (1, 4), [1, 2], scale=0.02, zero_point=1),
    "SUM": _alone("SUM", (1, 4), [1, 2], scale=0.4, zero_point=1),
    "REDUCE_MAX": _alone("REDUCE_MAX", (1, 4), [1, 2]),
    "REDUCE_MIN": _alone("REDUCE_MIN", (1, 4), [1, 2]),
    "SOFTMAX": _alone("SOFTMAX", SHAPE, **_FIXED),
    "LOGISTIC": _alone("LOGISTIC", SHAPE, **_FIXED),
    "TANH": _alone("TANH", SHAPE, scale=1 / 128, zero_point=0),
    "RELU": _alone("RELU"),
    "RELU6": _alone("RELU6"),
    "LEAKY_RELU": _alone("LEAKY_RELU", SHAPE, options={"alpha": 0.25}),
    "PRELU": _prelu,
    "ELU": _alone("ELU"),
    "HARD_SWISH": _alone("HARD_SWISH"),
    "ABS": _alone("ABS"),
    "CONCATENATION": lambda b, x: b.op(
        "CONCATENATION", [x, _other(b)], (1, 4, 4, 8), options={"axis": 3}, **ALIKE
    ),
    "PACK": lambda b, x: b.op(
        "PACK", [x, _other(b)], (1, 2, 4, 4, 4), options={"axis": 1, "values_count": 2}, **ALIKE
    ),
    "UNPACK": lambda b, x: b.op(
        "UNPACK", [x], (1, 4, 4), options={"axis": 1, "num": 4}, count=4, **ALIKE
    ),
    "RESHAPE": _alone("RESHAPE", (1, 64), [1, 64]),
    "EXPAND_DIMS": _alone("EXPAND_DIMS", (1, 1, 4, 4, 4), [1]),
    "SQUEEZE": _alone("SQUEEZE", (4, 4, 4), options={"squeeze_dims": [0]}),
    "PAD": _alone("PAD", (1, 6, 6, 4), _PADS),
    "PADV2": _padv2,
    "MIRROR_PAD": _alone("MIRROR_PAD", (1, 6, 6, 4), _PADS, options={"mode": 0}),
    "TRANSPOSE": _alone("TRANSPOSE", SHAPE, [0, 3, 1, 2]),
    "STRIDED_SLICE": _alone(
        "STRIDED_SLICE", (1, 2, 4, 4), [0, 0, 0, 0], [1, 4, 4, 4], [1, 2, 1, 1]
    ),
    "SLICE": _alone("SLICE", (1, 2, 2, 4), [0, 1, 1, 0], [1, 2, 2, 4]),
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "GATHER": _alone("GATHER", (1, 4, 4, 2), [3, 1], options={"axis": 3}),
    "ARG_MAX": lambda b, x: b.op("ARG_MAX", [x, b.constant(3)], (1, 4, 4), "int32"),
    "BROADCAST_TO": _alone("BROADCAST_TO", (2, 4, 4, 4), [2, 4, 4, 4]),
    "RESIZE_NEAREST_NEIGHBOR": _alone("RESIZE_NEAREST_NEIGHBOR", (1, 8, 8, 4), [8, 8]),
    "RESIZE_BILINEAR": _alone("RESIZE_BILINEAR", (1, 8, 8, 4), [8, 8]),
    "SPACE_TO_DEPTH": _alone("SPACE_TO_DEPTH", (1, 2, 2, 16), options={"block_size": 2}),
    "DEPTH_TO_SPACE": _alone("DEPTH_TO_SPACE", (1, 8, 8, 1), options={"block_size": 2}),
    "SPACE_TO_BATCH_ND": _alone("SPACE_TO_BATCH_ND", (4, 2, 2, 4), [2, 2], [[0, 0], [0, 0]]),
    "BATCH_TO_SPACE_ND": _alone("BATCH_TO_SPACE_ND", SHAPE, [1, 1], [[0, 0], [0, 0]]),
}


def int8_file(build: Made) -> bytes:
    """A file with one int8 input of SHAPE, and what `build` makes of it."""
    b = ModelBuilder()
    x = b.input(SHAPE, name="x", **ALIKE)
    made = build(b, x)
    return b.finish(made if isinstance(made, list) else [made])


def samples() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(8)
    for _ in range(4):
        yield rng.integers(-128, 128, SHAPE).astype(np.int8)


def why_not(kind: str, form: str, bias_type: str = "int64") -> str:
    """ "" where TFLite Micro runs `kind` in the format and gives what it gives in int8.

    Otherwise its refusal, or by how many steps of the int8 output it is off.
    """
    return why_not_built(CASES[kind], form, bias_type)


def why_not_built(build: Made, form: str, bias_type: str = "int64") -> str:
    """The same for what `build` makes."""
    data = int8_file(build)
    graph = read_graph(data)
    rules = parse_rules([f".*={form}"])
    done = apply_formats(data, graph, rules, bias_type=bias_type, known_only=False)
    plain = TflmGolden(data)
    try:
        other = TflmGolden(done.tflite)
        pairs = [(plain.run([x]), other.run([x])) for x in samples()]
    except EdgekitError as refused:
        return str(refused)
    before, after = (
        np.concatenate([np.ravel(y) for run in side for y in run]).astype(int)
        for side in zip(*pairs, strict=True)
    )
    assert np.std(before) > 10, "outputs that say nothing"
    worst = int(np.max(np.abs(before - after)))
    return "" if worst <= NEAR else f"off by up to {worst} steps"
