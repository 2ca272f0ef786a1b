# SPDX-License-Identifier: Apache-2.0
"""`prune --structure auto` and `--objective cycles`: the board's cost model tells what pays.

The dense model is quantized once, as `fit` does it to foretell sizes; for each layer the zeros of
every shape are put into its int8 weights, and the lowering stage says what it would then cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.boards import Board
    from edgekit.lower.paying import Cost, CostModel
    from edgekit.prune.masks import Choice
    from edgekit.tflite.graph import Graph, Op

# From the finest, which hurts least. Those that say their own sparsity only serve that.
SHAPES = ("unstructured", "2:4x2", "2x2", "2x4", "2x8")
AS_GOOD = 1.05  # of the cheapest's cost: then the finer shape is taken
SAMPLES = 8  # that calibrate: which shapes pay does not depend on ranges


@dataclass(frozen=True, slots=True)
class Shape:
    """What pays for a layer: the structure (None: none), and its cost dense and pruned."""

    structure: str | None
    dense: Cost
    pruned: Cost


def best_shape(op: Op, costs: CostModel, sparsity: float) -> Shape:
    """The shape of zeros with which `op` is cheapest at `sparsity` on the target's core; of those
    that are about as good the finest."""
    from edgekit.lower.paying import CLEARLY
    from edgekit.prune.structures import default_sparsity

    dense = costs.cost(op)
    found: list[tuple[str, Cost]] = []
    for name in SHAPES:
        if abs(default_sparsity(name, sparsity) - sparsity) > 1e-6:
            continue
        cost = costs.cost(op, kept(op, costs.graph, name, sparsity))
        if cost.price < CLEARLY * dense.price:
            found.append((name, cost))
    if not found:
        return Shape(None, dense, dense)
    least = min(cost.price for _, cost in found)
    return next(Shape(name, dense, cost) for name, cost in found if cost.price <= AS_GOOD * least)


def kept(op: Op, graph: Graph, structure_name: str, sparsity: float) -> np.ndarray:
    """Booleans like the op's weights: those that stay, by magnitude in this layer."""
    from edgekit.prune.scopes.ranking import per_layer
    from edgekit.prune.structures import named_structure

    structure = named_structure(structure_name)
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    values = np.abs(weights.data.astype(np.float64)).reshape(len(weights.data), -1)
    matrix = values.reshape(len(values), -1, weights.shape[-1]).transpose(1, 2, 0)
    (keep,) = per_layer([structure.groups(matrix)], sparsity)
    mask = structure.expand(keep, (matrix.shape[0], matrix.shape[1], matrix.shape[2]))
    return mask.transpose(2, 0, 1).reshape(weights.data.shape)


def with_told(
    model: Any, choice: Choice, sparsity: float, board: Board, optimize: str
) -> tuple[Choice, tuple[str, ...]]:
    """`choice` with what the cost model of `board` told in place of "auto" and "cycles", and
    remarks on the layers for which nothing pays: they are kept.

    EdgekitError where no shape pays on the board's core.
    """
    from edgekit.prune.objective import CYCLES, Told
    from edgekit.prune.structures import AUTO, ByKernel

    shapes = shapes_of(model, choice, sparsity, board, optimize)
    notes: tuple[str, ...] = ()
    if choice.structure == AUTO:
        table = {name: shape.structure for name, (shape, _) in shapes.items() if shape.structure}
        if not table:
            raise EdgekitError(
                f"on the {board.core} no shape of zeros makes a layer of this model faster"
                f" at {100 * sparsity:.0f} %",
                hint="use --structure channels, or a higher --sparsity",
            )
        idle = tuple(name for name in shapes if name not in table)
        notes = tuple(f"layer '{name}' is left alone: no shape of zeros pays" for name in idle)
        choice = replace(choice, structure=ByKernel(table), keep=(*choice.keep, *idle))
    if choice.objective == CYCLES:
        costs = {
            name: max(shape.dense.cycles - shape.pruned.cycles, 0.0) / (sparsity * weights)
            for name, (shape, weights) in shapes.items()
        }
        choice = replace(choice, objective=Told(costs))
    return choice, notes


def shapes_of(
    model: Any, choice: Choice, sparsity: float, board: Board, optimize: str
) -> dict[str, tuple[Shape, int]]:
    """Of each kernel that may be pruned and whose op is known: what pays, and its weights."""
    from edgekit.lower.paying import PRUNABLE, CostModel
    from edgekit.progress import SILENT
    from edgekit.prune.targets import find_kernels
    from edgekit.verbs._conversion import Options, from_keras
    from edgekit.verbs._lowered import board_target
    from edgekit.verbs._zeros import stored_kernel

    graph = from_keras(model, None, Options(SAMPLES, 0), SILENT).graph
    costs = CostModel(graph, board_target(board, optimize))
    readers = {op.inputs[1]: op for op in graph.ops if op.kind in PRUNABLE}
    found: dict[str, tuple[Shape, int]] = {}
    taken: set[int] = set()
    for kernel in find_kernels(model, choice.keep):
        tensor = stored_kernel(kernel, graph, taken)
        if kernel.protected or tensor is None or tensor.index not in readers:
            continue
        taken.add(tensor.index)
        op = readers[tensor.index]
        found[kernel.name] = best_shape(op, costs, sparsity), tensor.elements
    if not found:
        raise EdgekitError(
            "no kernel of this model can be found in its int8 graph",
            hint="name a structure, 2x2 for example",
        )
    return found
