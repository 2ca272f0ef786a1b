# SPDX-License-Identifier: Apache-2.0
"""LEAKY_RELU on int8: kernel ek_table."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.lower.fixed import float32, quantize_multiplier, scale
from edgekit.lower.table import Table, saturated
from edgekit.tflite.graph import Op, Tensor


class LeakyRelu(Table):
    kind = "LEAKY_RELU"

    def entry(self, op: Op, source: Tensor, output: Tensor) -> Callable[[int], int]:
        alpha = float(op.options.get("alpha", 0.0))
        sign = -1 if alpha < 0 else 1
        below = float32(float32(source.q.scale * abs(alpha)) / output.q.scale)
        above = float32(source.q.scale / output.q.scale)
        scale_below, scale_above = quantize_multiplier(below), quantize_multiplier(above)

        def entry(value: int) -> int:
            centred = value - source.q.zero_point
            if centred >= 0:
                return saturated(output.q.zero_point + scale(centred, *scale_above))
            return saturated(output.q.zero_point + sign * scale(centred, *scale_below))

        return entry
