# SPDX-License-Identifier: Apache-2.0
"""Small models, each with one operator, for asking TFLite Micro what it runs.

`PROBES` maps an operator to a function of a ModelBuilder and the type of its data (the operand
`key_operand` of edgekit.tflm.ops) that adds the operator and gives its outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tflm_probe_layers import (
    SHAPE,
    WEIGHTED,
    Probe,
    constant,
    data,
    lstm,
    matmul,
    quant,
    svdf,
    weighted,
)

from tests.support.tflite_builder import SAME, ModelBuilder

# Operators whose output has a scale of its own, by type: (scale, zero point).
FIXED = {
    "LOGISTIC": {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)},
    "SOFTMAX": {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)},
    "TANH": {"int8": (1 / 128, 0), "int16": (1 / 32768, 0)},
    "LOG_SOFTMAX": {"int8": (1 / 16, 127)},
    "L2_NORMALIZATION": {"int8": (1 / 128, 0)},
}


def kinds(words: str) -> tuple[str, ...]:
    return tuple(words.split())


def unary(kind: str, **options: Any) -> Probe:
    def probe(b: ModelBuilder, dtype: str) -> Any:
        scale, zero_point = FIXED.get(kind, {}).get(dtype, (0.5, 0))
        shape = (1, 8) if kind in ("SOFTMAX", "LOG_SOFTMAX") else SHAPE
        rest = quant(dtype, scale, zero_point)
        return [b.op(kind, [data(b, dtype, shape)], shape, dtype, options=options, **rest)]

    return probe


def binary(kind: str, result: str = "") -> Probe:
    """Two inputs of one type; `result` where the output has another."""

    def probe(b: ModelBuilder, dtype: str) -> Any:
        out = result or dtype
        pair = [data(b, dtype), data(b, dtype)]
        return [b.op(kind, pair, SHAPE, out, **quant(out))]

    return probe


def moved(
    kind: str,
    shape: tuple[int, ...],
    *constants: list[Any],
    options: Mapping[str, Any] | None = None,
    count: int = 0,
    before: bool = False,
) -> Probe:
    """One input, int32 constants after it (or `before` it), an output of another shape."""

    def probe(b: ModelBuilder, dtype: str) -> Any:
        x, rest = data(b, dtype), [b.constant(list(c)) for c in constants]
        inputs = [*rest, x] if before else [x, *rest]
        made = b.op(kind, inputs, shape, dtype, options=options, count=count, **quant(dtype))
        return made if count else [made]

    return probe


def joined(kind: str, shape: tuple[int, ...], **options: Any) -> Probe:
    def probe(b: ModelBuilder, dtype: str) -> Any:
        pair = [data(b, dtype), data(b, dtype)]
        return [b.op(kind, pair, shape, dtype, options=options, **quant(dtype))]

    return probe


def cast(kind: str) -> Probe:
    """`dtype` is "from to"."""

    def probe(b: ModelBuilder, dtype: str) -> Any:
        source, target = dtype.split(" to ")
        rest = {"scale": 0.01} if (kind, target) == ("QUANTIZE", "int32") else quant(target)
        return [b.op(kind, [data(b, source)], SHAPE, target, version=2, **rest)]

    return probe


def gather(b: ModelBuilder, dtype: str) -> Any:
    x = data(b, dtype)
    return [b.op("GATHER", [x, b.constant([0, 0])], (2, 4, 4, 8), dtype, **quant(dtype))]


def gather_nd(b: ModelBuilder, dtype: str) -> Any:
    x = data(b, dtype)
    return [b.op("GATHER_ND", [x, b.constant([[0, 1], [0, 2]])], (2, 4, 8), dtype, **quant(dtype))]


def embedding(b: ModelBuilder, dtype: str) -> Any:
    w = constant(b, dtype, (6, 8))
    ids = b.input((2,), "int32")
    return [b.op("EMBEDDING_LOOKUP", [ids, w], (2, 8), dtype, **quant(dtype))]


def update_slice(b: ModelBuilder, dtype: str) -> Any:
    x, part = data(b, dtype), data(b, dtype, (1, 2, 2, 8))
    inputs = [x, part, b.constant([0, 1, 1, 0])]
    return [b.op("DYNAMIC_UPDATE_SLICE", inputs, SHAPE, dtype, **quant(dtype))]


def select(b: ModelBuilder, dtype: str) -> Any:
    which = b.input(SHAPE, "bool")
    inputs = [which, data(b, dtype), data(b, dtype)]
    return [b.op("SELECT_V2", inputs, SHAPE, dtype, **quant(dtype))]


def fill(b: ModelBuilder, dtype: str) -> Any:
    value = b.input((), dtype, **quant(dtype))
    return [b.op("FILL", [b.constant([2, 3]), value], (2, 3), dtype, **quant(dtype))]


def pad_with_value(b: ModelBuilder, dtype: str) -> Any:
    pads = b.constant([[0, 0], [1, 1], [1, 1], [0, 0]])
    inputs = [data(b, dtype), pads, constant(b, dtype, (1,))]
    return [b.op("PADV2", inputs, (1, 6, 6, 8), dtype, **quant(dtype))]


def broadcast_args(b: ModelBuilder, dtype: str) -> Any:
    pair = [b.input((4,), dtype), b.input((4,), dtype)]
    return [b.op("BROADCAST_ARGS", pair, (4,), dtype)]


def shape_of(b: ModelBuilder, dtype: str) -> Any:
    return [b.op("SHAPE", [data(b, dtype)], (4,), "int32", options={"out_type": 2})]


def extreme(kind: str) -> Probe:
    def probe(b: ModelBuilder, dtype: str) -> Any:
        return [b.op(kind, [data(b, dtype), b.constant([3])], (1, 4, 4), "int32")]

    return probe


def prelu(b: ModelBuilder, dtype: str) -> Any:
    inputs = [data(b, dtype), constant(b, dtype, (1, 1, 8))]
    return [b.op("PRELU", inputs, SHAPE, dtype, **quant(dtype))]


_POOL = {"padding": SAME, "filter_height": 2, "filter_width": 2, "stride_h": 1, "stride_w": 1}
_UNARY = kinds(
    "ABS CEIL COS ELU EXP FLOOR HARD_SWISH L2_NORMALIZATION LOG LOGICAL_NOT LOGISTIC LOG_SOFTMAX"
    " NEG RELU RELU6 ROUND RSQRT SIN SOFTMAX SQRT SQUARE TANH ZEROS_LIKE"
)
_BINARY = kinds("ADD ADD_N DIV FLOOR_DIV FLOOR_MOD MAXIMUM MINIMUM MUL SQUARED_DIFFERENCE SUB")
_COMPARE = kinds("EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND LOGICAL_OR NOT_EQUAL")

PROBES: dict[str, Probe] = {
    **{kind: unary(kind) for kind in _UNARY},
    **{kind: binary(kind) for kind in _BINARY},
    **{kind: binary(kind, "bool") for kind in _COMPARE},
    **{kind: unary(kind, **_POOL) for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")},
    **{kind: weighted(kind) for kind in WEIGHTED},
    **{kind: cast(kind) for kind in ("CAST", "QUANTIZE", "DEQUANTIZE")},
    **{kind: extreme(kind) for kind in ("ARG_MAX", "ARG_MIN")},
    **{
        kind: moved(kind, (1, 8), [1, 2])
        for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL")
    },
    "BATCH_MATMUL": matmul,
    "BATCH_TO_SPACE_ND": moved("BATCH_TO_SPACE_ND", (1, 4, 4, 8), [1, 1], [[0, 0], [0, 0]]),
    "BROADCAST_ARGS": broadcast_args,
    "BROADCAST_TO": moved("BROADCAST_TO", (2, 4, 4, 8), [2, 4, 4, 8]),
    "CONCATENATION": joined("CONCATENATION", (1, 4, 4, 16), axis=3),
    "CUMSUM": moved("CUMSUM", SHAPE, [1]),
    "DEPTH_TO_SPACE": moved("DEPTH_TO_SPACE", (1, 8, 8, 2), options={"block_size": 2}),
    "DYNAMIC_UPDATE_SLICE": update_slice,
    "EMBEDDING_LOOKUP": embedding,
    "EXPAND_DIMS": moved("EXPAND_DIMS", (1, 1, 4, 4, 8), [0]),
    "FILL": fill,
    "GATHER": gather,
    "GATHER_ND": gather_nd,
    "LEAKY_RELU": unary("LEAKY_RELU", alpha=0.25),
    "MIRROR_PAD": moved("MIRROR_PAD", (1, 6, 6, 8), [[0, 0], [1, 1], [1, 1], [0, 0]]),
    "PACK": joined("PACK", (2, *SHAPE), values_count=2, axis=0),
    "PAD": moved("PAD", (1, 6, 6, 8), [[0, 0], [1, 1], [1, 1], [0, 0]]),
    "PADV2": pad_with_value,
    "PRELU": prelu,
    "RESHAPE": moved("RESHAPE", (1, 16, 8), [1, 16, 8]),
    "RESIZE_BILINEAR": moved("RESIZE_BILINEAR", (1, 8, 8, 8), [8, 8]),
    "RESIZE_NEAREST_NEIGHBOR": moved("RESIZE_NEAREST_NEIGHBOR", (1, 8, 8, 8), [8, 8]),
    "REVERSE_V2": moved("REVERSE_V2", SHAPE, [1]),
    "SELECT_V2": select,
    "SHAPE": shape_of,
    "SLICE": moved("SLICE", (1, 2, 2, 8), [0, 1, 1, 0], [1, 2, 2, 8]),
    "SPACE_TO_BATCH_ND": moved("SPACE_TO_BATCH_ND", (4, 2, 2, 8), [2, 2], [[0, 0], [0, 0]]),
    "SPACE_TO_DEPTH": moved("SPACE_TO_DEPTH", (1, 2, 2, 32), options={"block_size": 2}),
    "SPLIT": moved("SPLIT", (1, 4, 4, 4), [3], options={"num_splits": 2}, count=2, before=True),
    "SPLIT_V": moved("SPLIT_V", (1, 4, 4, 4), [4, 4], [3], options={"num_splits": 2}, count=2),
    "SQUEEZE": moved("SQUEEZE", (4, 4, 8), options={"squeeze_dims": [0]}),
    "STRIDED_SLICE": moved("STRIDED_SLICE", (1, 2, 2, 8), [0, 0, 0, 0], [1, 4, 4, 8], [1, 2, 2, 1]),
    "SVDF": svdf,
    "TRANSPOSE": moved("TRANSPOSE", (1, 4, 8, 4), [0, 1, 3, 2]),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm,
    "UNPACK": moved("UNPACK", (4, 4, 8), options={"num": 1, "axis": 0}, count=1),
}
PER_CHANNEL = {kind: weighted(kind, each=True) for kind in WEIGHTED}
# A dense layer takes int4 weights with one scale, the others with one a channel.
INT4 = {kind: weighted(kind, narrow=True, each=kind != "FULLY_CONNECTED") for kind in WEIGHTED}
