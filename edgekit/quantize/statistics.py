# SPDX-License-Identifier: Apache-2.0
"""What each tensor of a model holds as real numbers, and what its integers make of that."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgekit.quantize.ranges import Histogram, Measured
from edgekit.quantize.ranges.noise import Noise
from edgekit.tflite.graph import Graph, Op, Tensor

PERCENTILES = (0.1, 1.0, 50.0, 99.0, 99.9)
PARTS = 16  # of the histogram in a record
NO_ERROR_DB = 200.0  # what a signal without any error is given, since JSON has no infinity
_LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


@dataclass(frozen=True, slots=True)
class TensorStatistics:
    """One tensor on the calibration samples, or one tensor of weights.

    `kind` is "input", "activation", "output" or "weights". `min` to `percentiles` ([0.1, 1, 50,
    99, 99.9]) and `histogram` (16 equal parts from min to max) are of the float values; `low` and
    `high` are what the stored integers can hold (of weights: the widest channel). `clipped` is
    the share of values outside of that, `sqnr_db` signal over noise after quantizing: exact for
    weights, for activations from their histogram; 200 where there is no error, None where all
    values are 0.
    """

    index: int
    name: str
    layer: str
    kind: str
    min: float
    max: float
    mean: float
    std: float
    percentiles: tuple[float, ...]
    histogram: tuple[int, ...]
    low: float
    high: float
    clipped: float
    sqnr_db: float | None


def tensor_statistics(
    graph: Graph, floats: Graph, measured: Measured | None
) -> tuple[TensorStatistics, ...]:
    """Of every activation that was measured and of all weights, in the order of the ops.

    `graph` is the quantized model, `floats` the same just before it was quantized.
    """
    rows: dict[int, TensorStatistics] = {}
    for before, after in paired_ops(floats, graph):
        for index, number in _operands(before, after):
            tensor, origin = graph.tensor(number), floats.tensor(index)
            if number in rows or tensor.quant is None or tensor.dtype not in _LIMITS:
                continue
            if origin.is_constant and tensor.is_constant and origin.dtype == "float32":
                rows[number] = _weights(tensor, origin, after)
            elif measured and index in measured.histograms:
                kind = _kind(floats, index)
                exact = measured.images.get(index, (1.0,))[0] == 0.0 == tensor.q.zero_point + 128
                rows[number] = _activation(tensor, measured.histograms[index], after, kind)
                if exact:  # pixels lie on the steps
                    rows[number] = replace(rows[number], sqnr_db=NO_ERROR_DB)
    return tuple(rows.values())


def paired_ops(floats: Graph, graph: Graph) -> Iterator[tuple[Op, Op]]:
    """Ops of both that do the same; the quantized model has some more between them."""
    first, second = (
        [op for op in each.ops if op.kind not in ("QUANTIZE", "DEQUANTIZE")]
        for each in (floats, graph)
    )
    matcher = difflib.SequenceMatcher(
        None, [op.kind for op in first], [op.kind for op in second], autojunk=False
    )
    for block in matcher.get_matching_blocks():
        for place in range(block.size):
            yield first[block.a + place], second[block.b + place]


def _operands(before: Op, after: Op) -> Iterator[tuple[int, int]]:
    for old, new in ((before.inputs, after.inputs), (before.outputs, after.outputs)):
        if len(old) == len(new):
            yield from ((a, b) for a, b in zip(old, new, strict=True) if min(a, b) >= 0)


def _kind(floats: Graph, index: int) -> str:
    if index in floats.inputs:
        return "input"
    return "output" if index in floats.outputs else "activation"


def _activation(tensor: Tensor, histogram: Histogram, op: Op, kind: str) -> TensorStatistics:
    low, high = _ends(tensor)
    noise = Noise(histogram)
    levels = _LIMITS[tensor.dtype][1] - _LIMITS[tensor.dtype][0]
    step = (high - low) / levels
    error = float(noise.of(np.array([low]), np.array([high]), levels)[0])
    return TensorStatistics(
        index=tensor.index,
        name=tensor.name,
        layer=op.layer,
        kind=kind,
        min=_short(histogram.low),
        max=_short(histogram.high),
        mean=_short(histogram.mean),
        std=_short(histogram.deviation),
        percentiles=tuple(_short(v) for v in histogram.percentiles(list(PERCENTILES))),
        histogram=tuple(int(n) for n in histogram.coarse(PARTS)),
        low=_short(low),
        high=_short(high),
        clipped=_short(noise.clipped(low - step / 2, high + step / 2)),
        sqnr_db=_decibels(histogram.power, error),
    )


def _weights(tensor: Tensor, origin: Tensor, op: Op) -> TensorStatistics:
    assert tensor.data is not None and origin.data is not None
    real = np.asarray(origin.data, np.float64)
    ends = _channel_ends(tensor)
    low, high = (_along(tensor, end) for end in ends)
    held = _dequantized(tensor).reshape(real.shape)
    half = np.broadcast_to(_along(tensor, np.asarray(tensor.q.scales)) / 2, real.shape)
    outside = (real < low - half) | (real > high + half)
    return TensorStatistics(
        index=tensor.index,
        name=tensor.name,
        layer=op.layer,
        kind="weights",
        min=_short(real.min()),
        max=_short(real.max()),
        mean=_short(real.mean()),
        std=_short(real.std()),
        percentiles=tuple(_short(v) for v in np.percentile(real, PERCENTILES)),
        histogram=tuple(int(n) for n in np.histogram(real, PARTS)[0]),
        low=_short(float(ends[0].min())),
        high=_short(float(ends[1].max())),
        clipped=_short(float(outside.mean())),
        sqnr_db=_decibels(float(np.mean(real**2)), float(np.mean((real - held) ** 2))),
    )


def _ends(tensor: Tensor) -> tuple[float, float]:
    first, last = _LIMITS[tensor.dtype]
    quant = tensor.q
    return (first - quant.zero_point) * quant.scale, (last - quant.zero_point) * quant.scale


def _channel_ends(tensor: Tensor) -> tuple[np.ndarray, np.ndarray]:
    first, last = _LIMITS[tensor.dtype]
    scales, zeros = np.asarray(tensor.q.scales), np.asarray(tensor.q.zero_points)
    return (first - zeros) * scales, (last - zeros) * scales


def _along(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """One value per channel, or one for all, against the tensor's shape."""
    if len(values) == 1:
        return values.reshape([1] * len(tensor.shape))
    sides = [1] * len(tensor.shape)
    sides[tensor.q.axis] = -1
    return values.reshape(sides)


def _dequantized(tensor: Tensor) -> np.ndarray:
    quant = tensor.q
    zeros, scales = np.asarray(quant.zero_points), np.asarray(quant.scales)
    stored = np.asarray(tensor.data, np.float64)
    return np.asarray((stored - _along(tensor, zeros)) * _along(tensor, scales))


def _decibels(power: float, error: float) -> float | None:
    if power <= 0.0:
        return None
    if error <= power * 10 ** (-NO_ERROR_DB / 10):
        return NO_ERROR_DB
    return round(10 * math.log10(power / error), 2)


def _short(value: float) -> float:
    """Five digits: a record holds thousands of these numbers."""
    return float(f"{float(value):.5g}")
