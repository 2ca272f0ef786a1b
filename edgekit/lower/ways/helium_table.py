# SPDX-License-Identifier: Apache-2.0
"""Operators from one 8-bit value to another with Helium: 16 bytes are looked up at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from edgekit.lower.opkind import REGISTRY
from edgekit.lower.program import HELIUM, Target
from edgekit.lower.ways.way import Way, way_for
from edgekit.tflite.graph import Graph, Op

KINDS = (
    *("ABS", "ELU", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "QUANTIZE", "RELU", "RELU6", "TABLE"),
    "TANH",
)
ONCE, PER_SIXTEEN = 30.0, 4.0  # instructions of firmware/runtime/ek_table_helium.h
TABLE_BYTES = 256
CODE = ("helium table", 60)


@way_for(*KINDS, needs=HELIUM)
def helium_table(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Whatever portable C does with a table."""
    call = REGISTRY[op.kind].lower(op, graph, target)
    if call.kernel != "table":
        return
    cost = ONCE + PER_SIXTEEN * ceil(call.params["count"] / 16)
    made = replace(call, kernel="table_helium")
    yield Way("helium table", cost, TABLE_BYTES, 0, (CODE,), lambda: made, 0)
