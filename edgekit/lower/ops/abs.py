# SPDX-License-Identifier: Apache-2.0
"""ABS on int8, with a change of scale: kernel ek_table."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.lower.fixed import float32, quantize_multiplier, scale
from edgekit.lower.table import Table, saturated
from edgekit.tflite.graph import Op, Tensor


class Abs(Table):
    kind = "ABS"

    def entry(self, op: Op, source: Tensor, output: Tensor) -> Callable[[int], int]:
        multiplier, shift = quantize_multiplier(float32(source.q.scale / output.q.scale))

        def entry(value: int) -> int:
            size = abs(value - source.q.zero_point)
            return saturated(scale(size, multiplier, shift) + output.q.zero_point)

        return entry
