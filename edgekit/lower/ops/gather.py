# SPDX-License-Identifier: Apache-2.0
"""GATHER with constant indices (kernel ek_gather), or such of run time (kernel ek_gather_at)."""

from __future__ import annotations

import math

import numpy as np

from edgekit.lower.moves import cannot_move, constant_ints, positive_axis
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.tflite.graph import ITEM_BYTES, Graph, Op, Tensor

DTYPES = ("int8", "float32")


def _axis_and_batch_dims(op: Op, source: Tensor, indices: Tensor) -> tuple[int, int] | None:
    axis = positive_axis(op.options.get("axis", 0), len(source.shape))
    batch_dims = op.options.get("batch_dims", 0)
    batch_dims += len(indices.shape) if batch_dims < 0 else 0
    if axis is None or not 0 <= batch_dims <= min(axis, len(indices.shape)):
        return None
    same = source.shape[:batch_dims] == indices.shape[:batch_dims]
    return (axis, batch_dims) if same else None


class Gather(OpKind):
    """An index of run time that lies outside of its input gives the nearest slice there is."""

    kind = "GATHER"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, indices, output = graph.operand(op, 0), graph.operand(op, 1), graph.output_of(op)
        if reason := cannot_move(DTYPES, source, output):
            return reason
        chosen = constant_ints(graph, op, 1)
        if source is None or indices is None or indices.dtype != "int32":
            return "its indices are not int32"
        found = _axis_and_batch_dims(op, source, indices)
        if found is None:
            return "its axis or batch_dims do not fit its shapes"
        axis, batch_dims = found
        if not all(0 <= index < source.shape[axis] for index in chosen or ()):
            return "an index is outside its input"
        shape = source.shape[:axis] + indices.shape[batch_dims:] + source.shape[axis + 1 :]
        return "" if shape == output.shape else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, indices = graph.input_of(op), graph.input_of(op, 1)
        found = _axis_and_batch_dims(op, source, indices)
        chosen = constant_ints(graph, op, 1)
        assert found is not None
        axis, batch_dims = found
        params = {
            "batches": math.prod(source.shape[:batch_dims]),
            "outer": math.prod(source.shape[batch_dims:axis]),
            "side": source.shape[axis],
            "count": math.prod(indices.shape[batch_dims:]),
            "bytes": math.prod(source.shape[axis + 1 :]) * ITEM_BYTES[source.dtype],
        }
        if chosen is None:
            return KernelCall("gather_at", params, op.inputs[:2], op.outputs)
        const = Const("indices", np.array(chosen, np.int32))
        return KernelCall("gather", params, op.inputs[:1], op.outputs, (const,))
