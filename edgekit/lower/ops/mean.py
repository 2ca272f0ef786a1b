# SPDX-License-Identifier: Apache-2.0
"""MEAN on int8: kernel ek_mean, a sum whose multiplier holds the division."""

from __future__ import annotations

from edgekit.lower.ops.sum import Sum
from edgekit.lower.reduce import reduced_count
from edgekit.tflite.graph import Graph, Op


class Mean(Sum):
    kind = "MEAN"
    kernel = "mean"

    def multiplier(self, op: Op, graph: Graph) -> tuple[int, int]:
        """The sum's multiplier over the count, kept at full width by as many bits as it has.

        The arithmetic of QuantizedMeanOrSum: a 64-bit shift, then a division that rounds down.
        """
        multiplier, shift = super().multiplier(op, graph)
        count = reduced_count(op, graph)
        bits = min(count.bit_length() - 1, 32, 31 + shift)
        return (multiplier << bits) // count, shift - bits
