# SPDX-License-Identifier: Apache-2.0
"""Passes: graph to graph with the same outputs, bit for bit, for every input.

A pass may drop, join and change ops and tensors, but never an input or output of the model.
Tensor indices stay those of the file; a tensor whose shape or values change loses `kept`, a new
one goes to the end. `Op.origin` says which ops of the file an op stands for. What a pass makes is
lowered like any op: `options["padding"]` may hold explicit pads and
`options["fused_activation_function"]` a clamp (see lower/window.py and lower/fixed.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgekit.lower.program import Target
from edgekit.tflite.graph import Graph

Pass = Callable[[Graph], Graph]

# In this order: each sees what the ones before it left.
PASSES: tuple[Pass, ...] = ()


def run_passes(graph: Graph, target: Target) -> Graph:
    """`graph` after all passes, with `origin` set on every op."""
    graph = replace(graph, ops=tuple(replace(op, origin=op.origins) for op in graph.ops))
    for run in PASSES:
        graph = run(graph)
    return graph
