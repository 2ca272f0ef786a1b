# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL of two int8 activations (or one constant), batches broadcast: kernel
ek_batch_matmul."""

from __future__ import annotations

import numpy as np

from edgekit.lower.fixed import quantize_multiplier
from edgekit.lower.opkind import OpKind, not_int8, sides
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.tflite.graph import Graph, Op, Tensor

RANK = 5  # TFLM takes no more axes
BATCHES = RANK - 2


class BatchMatmul(OpKind):
    kind = "BATCH_MATMUL"

    def refuse(self, op: Op, graph: Graph) -> str:
        a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        if reason := not_int8(a, b, output):
            return reason
        if not all(2 <= len(tensor.shape) <= RANK for tensor in (a, b)):
            return "it takes tensors of 2 to 5 axes"
        if any(tensor.q.per_channel for tensor in (a, b)):
            return "an operand has more than one scale"
        rows, depth, other, cols = _sides(op, a, b)
        if depth != other or output.shape[-2:] != (rows, cols):
            return "its shapes disagree"
        for x, y in zip(sides(a, RANK)[:BATCHES], sides(b, RANK)[:BATCHES], strict=True):
            if x != y and 1 not in (x, y):
                return "its batches disagree"
        return ""

    def macs(self, op: Op, graph: Graph) -> int:
        return (
            graph.output_of(op).elements * _sides(op, graph.input_of(op), graph.input_of(op, 1))[1]
        )

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        rows, depth, _, cols = _sides(op, a, b)
        batches = [
            max(x, y)
            for x, y in zip(sides(a, RANK)[:BATCHES], sides(b, RANK)[:BATCHES], strict=True)
        ]
        real = a.q.scale * b.q.scale / output.q.scale
        quant = [-a.q.zero_point, -b.q.zero_point, output.q.zero_point, *quantize_multiplier(real)]
        return KernelCall(
            kernel="batch_matmul",
            params={
                "rows": rows,
                "depth": depth,
                "cols": cols,
                **_steps("a", a, rows, depth, bool(op.options.get("adj_x"))),
                **_steps("b", b, depth, cols, bool(op.options.get("adj_y"))),
                **{f"batches{i}": side for i, side in enumerate(batches)},
            },
            inputs=op.inputs[:2],
            outputs=op.outputs,
            consts=(Const("quant", np.array([quant], np.int32), struct="ek_batch_matmul_quant"),),
        )


def _sides(op: Op, a: Tensor, b: Tensor) -> tuple[int, int, int, int]:
    """Rows and depth of the first matrix, depth and columns of the second, as multiplied."""
    first = a.shape[-2:][::-1] if op.options.get("adj_x") else a.shape[-2:]
    second = b.shape[-2:][::-1] if op.options.get("adj_y") else b.shape[-2:]
    return first[0], first[1], second[0], second[1]


def _steps(name: str, tensor: Tensor, rows: int, cols: int, turned: bool) -> dict[str, int]:
    """Elements from one row, column and batch to the next; 0 along a batch that repeats."""
    shape = sides(tensor, RANK)
    steps = {f"{name}_row": 1 if turned else cols, f"{name}_col": rows if turned else 1}
    step = shape[3] * shape[4]
    for axis in reversed(range(BATCHES)):
        steps[f"{name}_batch{axis}"] = step if shape[axis] > 1 else 0
        step *= shape[axis]
    return steps
