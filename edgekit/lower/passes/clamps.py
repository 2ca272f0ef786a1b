# SPDX-License-Identifier: Apache-2.0
"""RELU and other clamps go into the op before them, where that op ends in a clamp of its own.

Exact where the op's table, over all that the op before it can give, is x limited to [low, high],
and both of its ends have the same quantization: clamping twice is clamping once to what is left.
"""

from __future__ import annotations

import numpy as np

from edgekit.lower.fixed import NONE, activation_range
from edgekit.lower.passes.elementwise import INT8, table_of
from edgekit.lower.passes.rewrite import Rewrite, same_quant
from edgekit.tflite.graph import Graph, Op

CLAMPING = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "ADD",
    "SUB",
    "MUL",
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
)
FUSED = "fused_activation_function"


def fold_clamps(graph: Graph) -> Graph:
    rewrite = Rewrite(graph)
    for op in graph.ops:
        before = rewrite.producer(op.inputs[0]) if op.inputs else None
        if before is None or before.kind not in CLAMPING:
            continue
        if not rewrite.only_for(before.outputs[0], op):
            continue
        if (limits := _limits(before, op, rewrite.graph)) is not None:
            rewrite.drop(op)
            rewrite.swap(
                before,
                outputs=op.outputs,
                options=before.options | {FUSED: limits},
                origin=before.origins + op.origins,
            )
    return rewrite.graph


def _limits(before: Op, op: Op, graph: Graph) -> tuple[int, int] | None:
    """The clamp that `before` has to end in to do the work of `op` as well."""
    source, output = graph.input_of(op), graph.output_of(op)
    table = table_of(op, graph)
    if table is None or not same_quant(source, output):
        return None
    low, high = activation_range(before.options.get(FUSED, NONE), source)
    values = table[low + 128 : high + 129]
    limits = int(values[0]), int(values[-1])
    same = np.array_equal(values, np.clip(INT8[low + 128 : high + 129], *limits))
    return limits if same and limits[0] <= limits[1] else None
