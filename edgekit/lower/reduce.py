# SPDX-License-Identifier: Apache-2.0
"""What reductions share: which axes go, and the loops over kept and reduced axes."""

from __future__ import annotations

from typing import Any

from edgekit.lower.moves import constant_ints, positive_axis
from edgekit.lower.opkind import OpKind, not_int8
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op, Tensor

GROUPS = 3  # of neighbouring kept axes, and of reduced ones, in ek_reduce_shape
MOST = 1 << 23  # elements whose sum, zero point taken off, fits into an int32


def reduced_axes(op: Op, graph: Graph) -> set[int] | None:
    """Axes of the op's second input, counted from the front; None where they are not usable."""
    rank = len(graph.input_of(op).shape)
    axes = constant_ints(graph, op, 1)
    if axes is None or graph.input_of(op, 1).dtype != "int32":
        return None
    found = {positive_axis(axis, rank) for axis in axes} if rank else set()
    return None if None in found else {axis for axis in found if axis is not None}


def _groups(shape: tuple[int, ...], axes: set[int]) -> tuple[list[tuple[int, int]], ...]:
    """(side, elements to step) of kept and of reduced axes, neighbours of a kind merged."""
    groups: tuple[list[tuple[int, int]], ...] = ([], [])
    step, last = 1, -1
    for axis in reversed(range(len(shape))):
        side, kind = shape[axis], int(axis in axes)
        if side == 1:
            continue
        if kind == last:
            groups[kind][0] = (groups[kind][0][0] * side, groups[kind][0][1])
        else:
            groups[kind].insert(0, (side, step))
        step, last = step * side, kind
    return groups


def reduced_count(op: Op, graph: Graph) -> int:
    """Input elements that go into one output element."""
    count = 1
    for axis in reduced_axes(op, graph) or set():
        count *= graph.input_of(op).shape[axis]
    return count


class Reduce(OpKind):
    """A reduction of an int8 tensor over constant axes. Output axes of one are kept or dropped."""

    kernel = ""

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.input_of(op), graph.output_of(op)
        if reason := not_int8(source, output):
            return reason
        axes = reduced_axes(op, graph)
        if axes is None:
            return "its axes are not int32 constants within its input's"
        if max(len(group) for group in _groups(source.shape, axes)) > GROUPS:
            return "its axes alternate between kept and reduced too often"
        if reduced_count(op, graph) > MOST:
            return f"more than {MOST} elements go into one of its outputs"
        kept = reduced_shape(source, axes)
        same = [side for side in kept if side != 1] == [s for s in output.shape if s != 1]
        return "" if same else "its shapes disagree"

    def shape_params(self, op: Op, graph: Graph) -> dict[str, Any]:
        """Fields of `ek_reduce_shape`."""
        groups = _groups(graph.input_of(op).shape, reduced_axes(op, graph) or set())
        fields: dict[str, Any] = {}
        for name, group in zip("kr", groups, strict=True):
            padded = [(1, 0)] * (GROUPS - len(group)) + group
            fields |= {f"{name}{i}": side for i, (side, _) in enumerate(padded)}
            fields |= {f"{name}{i}_step": step for i, (_, step) in enumerate(padded)}
        return fields

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        return KernelCall(
            kernel=self.kernel,
            params={"shape": self.shape_params(op, graph)},
            inputs=op.inputs[:1],
            outputs=op.outputs,
        )


def reduced_shape(source: Tensor, axes: set[int]) -> tuple[int, ...]:
    """Shape of the result with reduced axes kept as ones."""
    return tuple(1 if axis in axes else side for axis, side in enumerate(source.shape))
