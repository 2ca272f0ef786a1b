# SPDX-License-Identifier: Apache-2.0
"""Views of views: of RESHAPE, SQUEEZE and EXPAND_DIMS in a row one RESHAPE is left.

Exact because each only says anew how the same bytes are read.
"""

from __future__ import annotations

from edgekit.lower.passes.rewrite import Rewrite
from edgekit.tflite.graph import Graph

VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def join_views(graph: Graph) -> Graph:
    rewrite = Rewrite(graph)
    for op in tuple(rewrite.ops):
        if op.kind not in VIEWS:
            continue
        before = rewrite.producer(op.inputs[0])
        if before is None or before.kind not in VIEWS:
            continue
        # The view before it goes only if nobody else reads it; its source lives on either way.
        origin = op.origins
        if rewrite.only_for(before.outputs[0], op):
            origin = tuple(sorted({*origin, *before.origins}))
            rewrite.drop(before)
        rewrite.swap(op, kind="RESHAPE", inputs=before.inputs[:1], options={}, origin=origin)
    return rewrite.graph
