# SPDX-License-Identifier: Apache-2.0
"""The constants of `ek_narrow` (firmware/runtime/ek_lanes.h), and the layers for which it is exact.

r = x + round(x * (2m - 2^32) / 2^32) is the reference's rounding doubling multiplication by m, and
round(r * 2^(32-e) / 2^32) its rounding shift by e but for halves below zero, which go up instead of
away from zero; the kernel corrects them where results below the output's zero point count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgekit.lower.channels import channel_consts
from edgekit.lower.fixed import scale
from edgekit.tflite.graph import Graph, Op

INT8 = (-128, 127)
EXPONENTS = range(2, 32)  # of the rounding shift, so that 2^(32-e) is a positive int32
HALF = 1 << 30  # a multiplier of one half
LARGEST_SUM = (1 << 31) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Narrowed:
    """A layer's channels ready for packing: `weights` (out, taps) int64 with `bias` that holds the
    input's zero point, `high` and `factor` per channel, all int64; `largest` is the largest
    |weights . x + bias| over all int8 inputs x."""

    weights: np.ndarray
    bias: np.ndarray
    high: np.ndarray
    factor: np.ndarray
    largest: np.ndarray
    in_zero_point: int
    zero_point: int
    away: bool
    low: int
    high_clamp: int

    def params(self) -> dict[str, int]:
        """Fields of `ek_dense_layer` that say how results are narrowed."""
        return {
            "zero_point": self.zero_point,
            "away": int(self.away),
            "low": self.low,
            "high": self.high_clamp,
        }

    def filled(self, group: int) -> Narrowed:
        """With channels of weight 0 at the end, up to a multiple of `group`."""
        extra = -len(self.weights) % group

        def more(values: np.ndarray) -> np.ndarray:
            return np.concatenate([values, np.zeros((extra, *values.shape[1:]), np.int64)])

        return replace(
            self,
            weights=more(self.weights),
            bias=more(self.bias),
            high=more(self.high),
            factor=more(self.factor),
            largest=more(self.largest),
        )


def narrowed(
    op: Op, graph: Graph, weights: np.ndarray, *, float_product: bool = False
) -> Narrowed | None:
    """The layer for packing, or None where `ek_narrow` is not exact for one of its channels.

    `weights` is (out, taps). A channel that is the same for every input, as pruning leaves them
    with biases and multipliers of any size, is replaced by one without weights.
    """
    source, output = graph.input_of(op), graph.output_of(op)
    channels, quant = channel_consts(
        source,
        graph.input_of(op, 1),
        graph.operand(op, 2),
        output,
        op.options["fused_activation_function"],
        len(weights),
        float_product=float_product,
    )
    in_offset, zero_point, low, high = (int(x) for x in quant.data[0])
    wide = weights.astype(np.int64)
    multiplier, shift = (channels.data[:, i].astype(np.int64) for i in (1, 2))
    bias = channels.data[:, 0].astype(np.int64) + in_offset * wide.sum(axis=1)
    bounds = _bounds(wide, bias)
    if np.abs(bounds).max(initial=0) > LARGEST_SUM:
        return None
    for c, value in _constant_channels(bounds, multiplier, shift, zero_point, (low, high)):
        wide[c] = 0
        multiplier[c], shift[c] = HALF, -EXPONENTS[0]
        bias[c] = (value - zero_point) << (EXPONENTS[0] + 1)
        bounds[:, c] = bias[c]
    if not all(-int(s) in EXPONENTS for s in shift):
        return None
    return Narrowed(
        weights=wide,
        bias=bias,
        high=2 * multiplier - (1 << 32),
        factor=np.int64(1) << (32 + shift),
        largest=np.abs(bounds).max(axis=0),
        in_zero_point=source.q.zero_point,
        zero_point=zero_point,
        away=low < zero_point,
        low=low,
        high_clamp=high,
    )


def _bounds(weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Least and greatest weights . x + bias over all int8 x, one column per channel."""
    above, below = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    return np.stack(
        [bias + INT8[0] * above + INT8[1] * below, bias + INT8[1] * above + INT8[0] * below]
    )


def _constant_channels(
    bounds: np.ndarray,
    multiplier: np.ndarray,
    shift: np.ndarray,
    zero_point: int,
    clamp: tuple[int, int],
) -> list[tuple[int, int]]:
    """(channel, value) of channels whose output is one value: the scaling never decreases."""
    found = []
    for c in range(len(multiplier)):
        ends = [
            min(
                max(scale(int(x), int(multiplier[c]), int(shift[c])) + zero_point, clamp[0]),
                clamp[1],
            )
            for x in bounds[:, c]
        ]
        wraps = shift[c] > 0 and np.abs(bounds[:, c]).max() << int(shift[c]) > LARGEST_SUM
        if ends[0] == ends[1] and not wraps:
            found.append((c, ends[0]))
    return found
