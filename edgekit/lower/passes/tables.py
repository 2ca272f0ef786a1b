# SPDX-License-Identifier: Apache-2.0
"""Elementwise ops that hang on one tensor alone become one table of 256 entries.

x -> RELU -> QUANTIZE is such a chain, and so are x * LOGISTIC(x) and x + 3. Exact by construction:
the table holds what the ops, computed as their kernels do, make of each of the 256 inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.lower.passes.elementwise import INT8, binary_of, table_of
from edgekit.lower.passes.rewrite import Rewrite
from edgekit.tflite.graph import Graph, Op, Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Function:
    """A tensor as a function of another: its values for -128..127, and the ops in between."""

    root: int
    values: np.ndarray
    ops: tuple[Op, ...]


def join_tables(graph: Graph) -> Graph:
    rewrite = Rewrite(graph)
    found: dict[int, _Function] = {}
    for op in graph.ops:
        if (function := _function(op, graph, found, rewrite)) is not None:
            found[op.outputs[0]] = function
    taken: set[int] = set()
    for op in reversed(graph.ops):
        function = found.get(op.outputs[0]) if op.outputs else None
        if function is None or op.index in taken or not _is_gain(function, graph):
            continue
        taken |= {other.index for other in function.ops}
        _replace(rewrite, function, op)
    return rewrite.graph


def _function(
    op: Op, graph: Graph, found: dict[int, _Function], rewrite: Rewrite
) -> _Function | None:
    if (table := table_of(op, graph)) is not None:
        before = _known(op.inputs[0], op, found, rewrite)
        return _Function(before.root, table[before.values + 128], (*before.ops, op))
    binary = binary_of(op, graph)
    if binary is None:
        return None
    # Both operands hang on one tensor of the output's shape, or one of them is a number.
    sides = [graph.input_of(op, position) for position in (0, 1)]
    known = [_known(t.index, op, found, rewrite) for t in sides if t.data is None]
    numbers = [t for t in sides if t.data is not None and t.elements == 1]
    shapes = {t.shape for t in sides if t.data is None} | {graph.output_of(op).shape}
    same = {function.root for function in known}
    if len(numbers) + len(known) != 2 or len(same) != 1 or len(shapes) != 1:
        return None
    values = [_values(t, op, found, rewrite) for t in sides]
    between = {other.index: other for function in known for other in function.ops}
    ops = tuple(between[index] for index in sorted(between))
    return _Function(same.pop(), binary(*values), (*ops, op))


def _known(tensor: int, user: Op, found: dict[int, _Function], rewrite: Rewrite) -> _Function:
    """What is known of a tensor; only that it is itself where others than `user` read it, since
    it then has to be there anyway."""
    itself = _Function(tensor, INT8, ())
    return found.get(tensor, itself) if rewrite.only_for(tensor, user) else itself


def _values(tensor: Tensor, user: Op, found: dict[int, _Function], rewrite: Rewrite) -> np.ndarray:
    if tensor.data is not None:
        return tensor.data.reshape(-1).astype(np.int64)
    return _known(tensor.index, user, found, rewrite).values


def _is_gain(function: _Function, graph: Graph) -> bool:
    """A table in the place of one table gains nothing."""
    return len(function.ops) > 1 or binary_of(function.ops[0], graph) is not None


def _replace(rewrite: Rewrite, function: _Function, last: Op) -> None:
    origin = tuple(dict.fromkeys(o for op in (last, *function.ops) for o in op.origins))
    for op in function.ops:
        if op is not last:
            rewrite.drop(op)
    rewrite.swap(
        last,
        kind="TABLE",
        inputs=(function.root,),
        options={"table": function.values.astype(np.int8)},
        origin=origin,
    )
