# SPDX-License-Identifier: Apache-2.0
"""A graph under change: what passes need to look around in it and to alter it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgekit.tflite.graph import Graph, Op, Tensor


class Rewrite:
    """Tensors and ops of a graph, changed in place; ops keep their order."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.tensors = list(graph.tensors)
        self.ops = list(graph.ops)

    @property
    def graph(self) -> Graph:
        """The graph as it now is, its ops numbered anew."""
        ops = tuple(replace(op, index=index) for index, op in enumerate(self.ops))
        return replace(self._graph, tensors=tuple(self.tensors), ops=ops)

    def is_end(self, tensor: int) -> bool:
        """Whether `tensor` is an input or an output of the model."""
        return tensor in self._graph.inputs or tensor in self._graph.outputs

    def users(self, tensor: int) -> list[Op]:
        return [op for op in self.ops if tensor in op.inputs]

    def producer(self, tensor: int) -> Op | None:
        return next((op for op in self.ops if tensor in op.outputs), None)

    def only_for(self, tensor: int, user: Op) -> bool:
        """Whether nobody but `user` reads `tensor`."""
        return not self.is_end(tensor) and all(op is user for op in self.users(tensor))

    def swap(self, old: Op, **changes: Any) -> Op:
        """`old` with `changes`, in its place."""
        new = replace(old, **changes)
        self.ops[self._place(old)] = new
        return new

    def drop(self, op: Op) -> None:
        del self.ops[self._place(op)]

    def _place(self, op: Op) -> int:
        return next(place for place, other in enumerate(self.ops) if other is op)

    def add_tensor(self, like: Tensor, **changes: Any) -> int:
        """A new tensor, `like` but for `changes`; it is none of the file's."""
        index = len(self.tensors)
        self.tensors.append(replace(like, index=index, kept=False, **changes))
        return index

    def rename(self, old: int, new: int) -> None:
        """Every op that reads `old` reads `new`."""
        for op in self.users(old):
            self.swap(op, inputs=tuple(new if i == old else i for i in op.inputs))

    def short_circuit(self, op: Op) -> bool:
        """Drops `op`, whose output equals its input; False where both ends have to stay."""
        source, output = op.inputs[0], op.outputs[0]
        if not self.is_end(output):
            self.drop(op)
            self.rename(output, source)
            return True
        maker = self.producer(source)
        if maker is None or self.is_end(source):
            return False
        self.drop(op)
        self.rename(source, output)
        maker = self.producer(source) or maker
        self.swap(maker, outputs=tuple(output if i == source else i for i in maker.outputs))
        return True


def same_quant(a: Tensor, b: Tensor) -> bool:
    """Whether equal bytes mean equal numbers in both tensors."""
    if a.dtype != b.dtype or (a.quant is None) != (b.quant is None):
        return False
    if a.quant is None or b.quant is None:
        return True
    return (a.quant.scales, a.quant.zero_points) == (b.quant.scales, b.quant.zero_points)
