# SPDX-License-Identifier: Apache-2.0
"""Ops of a float graph that together are a function of one tensor, value by value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.quantize.tables.functions import LACKING, computed, is_elementwise
from edgekit.tflite.graph import Graph, Op, Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Island:
    """`ops` make tensor `output` from tensor `root`; the last of them writes it."""

    graph: Graph
    root: int
    ops: tuple[Op, ...]

    @property
    def output(self) -> int:
        return self.ops[-1].outputs[0]

    @property
    def is_elu(self) -> bool:
        return len(self.ops) == 1 and self.ops[0].kind == "ELU"

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The function of `x`, float64; 0 where it has no value."""
        values: dict[int, np.ndarray] = {self.root: np.asarray(x, np.float64)}
        with np.errstate(all="ignore"):
            for op in self.ops:
                operands = [_operand(self.graph.tensor(i), values) for i in op.inputs]
                dtype = _wide(self.graph.output_of(op).dtype)
                values[op.outputs[0]] = computed(op, operands, dtype)
        result = np.asarray(values[self.output], np.float64)
        return np.where(np.isnan(result), 0.0, result)


def _wide(dtype: str) -> str:
    return "float64" if dtype == "float32" else dtype


def _operand(tensor: Tensor, values: dict[int, np.ndarray]) -> np.ndarray:
    if tensor.data is None:
        return values[tensor.index]
    return tensor.data.reshape(-1)[0].astype(_wide(tensor.dtype))


def find_islands(graph: Graph) -> tuple[Island, ...]:
    """Such groups of ops that no int8 kernels stand for, as large as can be, in computing order.

    Two of them may share ops: each computes what it needs from its root.
    """
    found: dict[int, Island] = {}
    for op in graph.ops:
        if (island := _grown(op, graph, found)) is not None:
            found[op.outputs[0]] = island
    read_outside = {
        index for op in graph.ops if not set(op.outputs) & set(found) for index in op.inputs
    }
    ends = read_outside | set(graph.outputs)
    return tuple(island for end, island in found.items() if end in ends and _is_needed(island))


def _is_needed(island: Island) -> bool:
    ends = (island.graph.tensor(island.root), island.graph.tensor(island.output))
    real = all(tensor.dtype == "float32" for tensor in ends)
    return real and any(op.kind in LACKING for op in island.ops)


def _grown(op: Op, graph: Graph, found: dict[int, Island]) -> Island | None:
    """The island that ends with `op`: those of its operands, if all have one root, and itself."""
    if not is_elementwise(op):
        return None
    operands = [graph.tensor(index) for index in op.inputs]
    moving = [tensor.index for tensor in operands if tensor.data is None]
    if not all(_is_one_number(tensor) for tensor in operands if tensor.data is not None):
        return None
    before = [found.get(index) for index in moving]
    roots = {b.root if b else index for b, index in zip(before, moving, strict=True)}
    shapes = {graph.tensor(index).shape for index in (*moving, *roots, op.outputs[0])}
    if len(roots) != 1 or len(shapes) != 1:
        return None
    between = {other.index: other for island in before if island for other in island.ops}
    return Island(graph, roots.pop(), (*(between[i] for i in sorted(between)), op))


def _is_one_number(tensor: Tensor) -> bool:
    data = tensor.data
    return data is not None and data.size > 0 and bool((data == data.reshape(-1)[0]).all())
