# SPDX-License-Identifier: Apache-2.0
"""RELU6 on int8: kernel ek_table. TFLM clamps raw integers, whatever the output's scale."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.lower.fixed import float32, round_half_away
from edgekit.lower.table import Table, saturated
from edgekit.tflite.graph import Op, Tensor


class Relu6(Table):
    kind = "RELU6"

    def entry(self, op: Op, source: Tensor, output: Tensor) -> Callable[[int], int]:
        zero = source.q.zero_point
        six = saturated(zero + round_half_away(float32(6.0 / source.q.scale)))
        return lambda value: six if value > six else max(value, zero)
