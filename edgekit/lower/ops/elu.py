# SPDX-License-Identifier: Apache-2.0
"""ELU on int8: kernel ek_table, its entries from float32 arithmetic as in TFLM's own table."""

from __future__ import annotations

import math
from collections.abc import Callable

from edgekit.lower.fixed import float32, round_half_away
from edgekit.lower.table import Table, saturated
from edgekit.tflite.graph import Op, Tensor


class Elu(Table):
    kind = "ELU"

    def entry(self, op: Op, source: Tensor, output: Tensor) -> Callable[[int], int]:
        inverse = float32(1.0 / output.q.scale)

        def entry(value: int) -> int:
            real = float32(source.q.scale * (value - source.q.zero_point))
            if real < 0.0:
                real = float32(float32(math.exp(real)) - 1.0)
            return saturated(round_half_away(float32(real * inverse)) + output.q.zero_point)

        return entry
