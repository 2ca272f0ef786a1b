# SPDX-License-Identifier: Apache-2.0
"""Ops on which no output of the model hangs, now or in a later run."""

from __future__ import annotations

from edgekit.lower.passes.rewrite import Rewrite
from edgekit.tflite.graph import Graph


def drop_unused(graph: Graph) -> Graph:
    needed = set(graph.outputs)
    rewrite = Rewrite(graph)
    for op in reversed(graph.ops):
        remembers = any(graph.tensor(i).variable for i in (*op.inputs, *op.outputs) if i >= 0)
        if remembers or needed.intersection(op.outputs):
            needed.update(op.inputs)
        else:
            rewrite.drop(op)
    return rewrite.graph
