# SPDX-License-Identifier: Apache-2.0
"""ADD and SUB of equal shapes by a formula that is checked on all pairs of int8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from edgekit.lower.binary import activation_of
from edgekit.lower.fixed import activation_range
from edgekit.lower.passes.elementwise import INT8, binary_of
from edgekit.lower.program import HELIUM, PLAIN, KernelCall, Target
from edgekit.lower.ways.way import Way, way_for
from edgekit.tflite.graph import Graph, Op

SHIFT = 22  # as in firmware/runtime/ek_sum_formula.h
LARGEST = (1 << 31) - 1
NUDGES = (0, 1, -1, 4, -4, 16, -16)  # of the multipliers from their real values
ONCE = 48.0
THUMB_1 = ("cortex-m0", "cortex-m0plus")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kernel for the formula: the way's name, instructions per element, bytes of code."""

    kernel: str
    way: str
    per_element: float
    code_bytes: int


@way_for("ADD", "SUB")
def formula(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Both inputs computed, shapes equal."""
    return _ways(op, graph, _Kind("sum_formula", "formula", 7.0, 180))


@way_for("ADD", "SUB", needs=HELIUM)
def helium_formula(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    return _ways(op, graph, _Kind("sum_helium", "helium formula", 1.88, 220))


@way_for("ADD", "SUB", needs=PLAIN)
def plain_formula(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    each = 19.0 if target.core in THUMB_1 else 18.0
    return _ways(op, graph, _Kind("sum_formula", "formula", each, 120))


def _ways(op: Op, graph: Graph, kind: _Kind) -> Iterator[Way]:
    a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    function = binary_of(op, graph)
    if a.shape != output.shape or b.shape != output.shape or function is None:
        return
    reals = (a.q.scale / output.q.scale, b.q.scale / output.q.scale)
    if op.kind == "SUB":
        reals = (reals[0], -reals[1])
    low, high = activation_range(activation_of(op), output)
    found = find_formula(function(INT8[:, None], INT8[None, :]), reals, (low, high))
    if found is None:
        return
    names = ("count", "by_a", "by_b", "plus", "low", "high")
    params = dict(zip(names, (output.elements, *found, low, high), strict=True))

    def lower() -> KernelCall:
        return KernelCall(
            kernel=kind.kernel,
            params=params,
            inputs=op.inputs[:2],
            outputs=op.outputs,
            in_place=(0, 1),
        )

    cost = ONCE + kind.per_element * output.elements
    yield Way(kind.way, cost, 0, 0, ((kind.kernel, kind.code_bytes),), lower, 0)


def find_formula(
    table: np.ndarray, reals: tuple[float, float], clamp: tuple[int, int]
) -> tuple[int, int, int] | None:
    """(by_a, by_b, plus): (a * by_a + b * by_b + plus) >> SHIFT is table[a + 128, b + 128] for all
    int8 a, b once it is clamped, with sums within int32; None where none is found."""
    inner_low, inner_high = table > clamp[0], table < clamp[1]
    for nudge_a, nudge_b in product(NUDGES, NUDGES):
        by_a, by_b = (
            round(real * (1 << SHIFT)) + nudge
            for real, nudge in zip(reals, (nudge_a, nudge_b), strict=True)
        )
        products = INT8[:, None] * by_a + INT8[None, :] * by_b
        least = ((table << SHIFT) - products)[inner_low].max(initial=-LARGEST)
        most = (((table + 1) << SHIFT) - 1 - products)[inner_high].min(initial=LARGEST)
        if least > most:
            continue
        plus = int((least + most) // 2)
        if np.abs(products).max() + abs(plus) <= LARGEST:
            return by_a, by_b, plus
    return None
