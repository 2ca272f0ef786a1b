# SPDX-License-Identifier: Apache-2.0
"""HARD_SWISH on int8, x * relu6(x + 3) / 6 in 16-bit fixed point: kernel ek_table."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.lower.fixed import float32, quantize_multiplier
from edgekit.lower.table import Table, saturated
from edgekit.tflite.graph import Graph, Op, Tensor

LOWEST, HIGHEST = -(1 << 15), (1 << 15) - 1
EXTRA_BITS = 7  # int8 differences, nine bits, fill an int16
RELUISH_SCALE = float32(3.0 / 32768.0)  # 3.0 is the largest int16


def _multiplier(source: Tensor, scale: float) -> tuple[int, int]:
    """16-bit multiplier and exponent from the input's fine scale to `scale`, from float32."""
    fine = float32(source.q.scale / (1 << EXTRA_BITS))
    wide, exponent = quantize_multiplier(float32(fine / scale))
    return min((wide + (1 << 15)) >> 16, HIGHEST), exponent


def _wrap(value: int) -> int:
    return (value - LOWEST) % (1 << 16) + LOWEST


def _left(value: int, bits: int) -> int:
    return min(max(value << bits, LOWEST), HIGHEST)


def _mul_high(a: int, b: int) -> int:
    return (a * b + (1 << 14)) >> 15


def _shift_right(value: int, exponent: int) -> int:
    """gemmlowp's RoundingDivideByPOT on int16, whose mask of more than 15 bits wraps to -1."""
    mask = _wrap((1 << exponent) - 1)
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + (1 if value & mask > threshold else 0)


def _reluish(fine: int, multiplier: int, exponent: int) -> int:
    """(x + 3) / 6 clamped to [0, 1], Q0.15; the shift to the left saturates in its last bit."""
    value = _left(fine, exponent - 1) if exponent > 0 else fine
    value = _mul_high(value, multiplier)
    if exponent > 0:
        value = _left(value, 1)
    if exponent < 0:
        value = _shift_right(value, -exponent)
    return (value + (1 << 15)) >> 1


class HardSwish(Table):
    kind = "HARD_SWISH"

    def refuse(self, op: Op, graph: Graph) -> str:
        if reason := super().refuse(op, graph):
            return reason
        source, output = graph.input_of(op), graph.output_of(op)
        small = _multiplier(source, output.q.scale)[1] <= 0
        return "" if small else "its input's scale is more than 128 times its output's"

    def entry(self, op: Op, source: Tensor, output: Tensor) -> Callable[[int], int]:
        to_output, exponent = _multiplier(source, output.q.scale)
        to_reluish = _multiplier(source, RELUISH_SCALE)

        def entry(value: int) -> int:
            fine = (value - source.q.zero_point) << EXTRA_BITS
            product = _reluish(fine, *to_reluish) * _mul_high(fine, to_output)
            towards_zero = -(-product >> 15) if product < 0 else product >> 15
            return saturated(_wrap(_shift_right(towards_zero, -exponent) + output.q.zero_point))

        return entry
