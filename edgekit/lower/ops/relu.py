# SPDX-License-Identifier: Apache-2.0
"""RELU on int8, with a change of scale: kernel ek_table."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.lower.fixed import float32, quantize_multiplier, scale
from edgekit.lower.table import Table
from edgekit.tflite.graph import Op, Tensor


class Relu(Table):
    kind = "RELU"

    def entry(self, op: Op, source: Tensor, output: Tensor) -> Callable[[int], int]:
        multiplier, shift = quantize_multiplier(float32(source.q.scale / output.q.scale))
        zero = output.q.zero_point

        def entry(value: int) -> int:
            scaled = scale(value - source.q.zero_point, multiplier, shift)
            return min(max(zero + scaled, zero), 127)

        return entry
