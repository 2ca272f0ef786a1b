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

from edgekit.lower.passes.channels import remove_channels
from edgekit.lower.passes.clamps import fold_clamps
from edgekit.lower.passes.identity import drop_identities
from edgekit.lower.passes.lookups import join_lookups
from edgekit.lower.passes.pads import fold_pads
from edgekit.lower.passes.tables import join_tables
from edgekit.lower.passes.unused import drop_unused
from edgekit.lower.passes.views import join_views
from edgekit.lower.program import Target
from edgekit.tflite.graph import Graph

Pass = Callable[[Graph], Graph]

# In this order: each sees what the ones before it left. Clamps come twice, for those that are one
# only as a table (MAXIMUM with a number).
PASSES: tuple[Pass, ...] = (
    drop_unused,
    join_views,
    join_lookups,
    fold_clamps,
    join_tables,
    fold_clamps,
    drop_identities,
    fold_pads,
    remove_channels,
)


def run_passes(
    graph: Graph, target: Target | None = None, passes: tuple[Pass, ...] = PASSES
) -> Graph:
    """`graph` after all `passes`, with `origin` set on every op."""
    graph = replace(graph, ops=tuple(replace(op, origin=op.origins) for op in graph.ops))
    for run in passes:
        graph = run(graph)
    return graph
