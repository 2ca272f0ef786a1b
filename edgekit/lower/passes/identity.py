# SPDX-License-Identifier: Apache-2.0
"""Ops whose output is their input: a table of x = x, a pool of one pixel, a PAD of nothing, ...

Shape and quantization of both ends must be the same, or whoever reads the output would read the
input's bytes as other numbers.
"""

from __future__ import annotations

import numpy as np

from edgekit.lower.fixed import INTEGER_RANGE, NONE, activation_range
from edgekit.lower.moves import constant_ints
from edgekit.lower.passes.elementwise import INT8, table_of
from edgekit.lower.passes.rewrite import Rewrite, same_quant
from edgekit.lower.passes.views import VIEWS
from edgekit.tflite.graph import Graph, Op


def drop_identities(graph: Graph) -> Graph:
    rewrite = Rewrite(graph)
    for op in graph.ops:
        current = next((o for o in rewrite.ops if o.outputs == op.outputs), None)
        if current is not None and _changes_nothing(current, rewrite.graph):
            rewrite.short_circuit(current)
    return rewrite.graph


def _changes_nothing(op: Op, graph: Graph) -> bool:
    source = graph.operand(op, 0)
    if source is None or source.is_constant or len(op.outputs) != 1:
        return False
    output = graph.output_of(op)
    if source.shape != output.shape or not same_quant(source, output):
        return False
    if op.kind in VIEWS or (op.kind == "CONCATENATION" and len(op.inputs) == 1):
        return True
    if op.kind in ("PAD", "PADV2"):
        return not any(constant_ints(graph, op, 1) or [1])
    if op.kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        return _is_one_pixel_pool(op, graph)
    table = table_of(op, graph)
    return table is not None and bool(np.array_equal(table, INT8))


def _is_one_pixel_pool(op: Op, graph: Graph) -> bool:
    options, output = op.options, graph.output_of(op)
    sides = [options[key] for key in ("filter_height", "filter_width", "stride_h", "stride_w")]
    clamp = activation_range(options.get("fused_activation_function", NONE), output)
    return sides == [1, 1, 1, 1] and clamp == INTEGER_RANGE[output.dtype]
