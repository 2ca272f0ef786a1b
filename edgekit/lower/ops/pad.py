# SPDX-License-Identifier: Apache-2.0
"""PAD on int8 with the output's zero point, up to five axes: kernel ek_pad."""

from __future__ import annotations

import math

from edgekit.lower.moves import constant_ints
from edgekit.lower.opkind import OpKind, not_int8
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op

AXES = 5  # of TFLM's Pad and of ek_pad


class Pad(OpKind):
    kind = "PAD"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.input_of(op), graph.output_of(op)
        if reason := not_int8(source, output):
            return reason
        paddings = constant_ints(graph, op, 1)
        if paddings is None:
            return "its paddings are not constant"
        if len(source.shape) > AXES:
            return f"its input has more than {AXES} axes"
        if len(paddings) != 2 * len(source.shape) or len(output.shape) != len(source.shape):
            return "its paddings are not a pair for each axis"
        if min(paddings, default=0) < 0:
            return "its paddings are negative"
        before, after = paddings[::2], paddings[1::2]
        grown = tuple(b + side + a for b, side, a in zip(before, source.shape, after, strict=True))
        return "" if grown == output.shape else "its paddings disagree with its output's shape"

    def value(self, op: Op, graph: Graph) -> int:
        """The int8 that fills the padding."""
        return graph.output_of(op).q.zero_point

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, output = graph.input_of(op), graph.output_of(op)
        paddings = constant_ints(graph, op, 1) or []
        axes = _merged(source.shape, output.shape, paddings[::2])
        axes = [(1, 1, 0)] * (AXES - len(axes)) + axes
        params = {f"in{i}": axis[0] for i, axis in enumerate(axes)}
        params |= {f"out{i}": axis[1] for i, axis in enumerate(axes)}
        params |= {f"before{i}": axis[2] for i, axis in enumerate(axes)}
        return KernelCall(
            kernel="pad",
            params=params | {"value": self.value(op, graph), "count": output.elements},
            inputs=op.inputs[:1],
            outputs=op.outputs,
        )


def _merged(
    source: tuple[int, ...], output: tuple[int, ...], before: list[int]
) -> list[tuple[int, int, int]]:
    """(input side, output side, padding before) by axis; unpadded axes join the one before."""
    axes: list[tuple[int, int, int]] = []
    for side, grown, front in zip(source, output, before, strict=True):
        if axes and side == grown:
            axes[-1] = (axes[-1][0] * side, axes[-1][1] * side, axes[-1][2] * side)
        else:
            axes.append((side, grown, front))
    assert math.prod(axis[1] for axis in axes) == math.prod(output)
    return axes
