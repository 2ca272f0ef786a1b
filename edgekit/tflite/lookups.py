# SPDX-License-Identifier: Apache-2.0
"""Inputs that are looked up in a table, which not every integer is in."""

from __future__ import annotations

from edgekit.tflite.graph import Graph

_PASSES_ON = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def lookup_limit(graph: Graph, index: int) -> int:
    """How many different numbers 0, 1, ... an input may hold as it is looked up; 0 where it is
    not."""
    limits = []
    for op in graph.ops:
        if op.kind == "GATHER" and op.inputs[1] == index:
            table = graph.input_of(op)
            limits.append(table.shape[int(op.options.get("axis", 0)) % len(table.shape)])
        elif op.kind == "EMBEDDING_LOOKUP" and op.inputs[0] == index:
            limits.append(graph.input_of(op, 1).shape[0])
        elif op.kind in _PASSES_ON and op.inputs[0] == index:
            limits.append(lookup_limit(graph, op.outputs[0]))
    return min((limit for limit in limits if limit), default=0)
