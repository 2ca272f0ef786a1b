# SPDX-License-Identifier: Apache-2.0
"""`prune --structure auto` and `--objective cycles`: the board's cost model tells what pays.

The dense model is quantized once, as `fit` does it to foretell sizes; for each layer the zeros of
every shape are put into its int8 weights, and the lowering stage says what it would then cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.progress import SILENT, Progress

if TYPE_CHECKING:
    from edgekit.boards import Board
    from edgekit.lower.paying import Cost, CostModel
    from edgekit.prune.masks import Choice
    from edgekit.prune.targets import Kernel
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


def asked_of_board(structure: Any, objective: Any, engine: str, board: Any) -> None:
    """EdgekitError where "auto" or "cycles" has nobody to ask."""
    from edgekit.prune.objective import CYCLES
    from edgekit.prune.structures import AUTO

    if structure == "channels" and objective == CYCLES:
        raise EdgekitError(
            "objective cycles tells what single weights cost, not what channels do",
            hint="give --objective macs with --structure channels",
        )
    asks = engine != "edgekit" or not board
    for option, value in (("--structure", structure), ("--objective", objective)):
        if asks and isinstance(value, str) and value in (AUTO, CYCLES):
            raise EdgekitError(
                f"{option} {value} asks a board's cost model",
                hint="give --board as well, and leave --engine at edgekit",
            )


def checkable(choice: Choice) -> Choice:
    """`choice` with what is only told later left out."""
    from edgekit.prune.objective import CYCLES
    from edgekit.prune.structures import AUTO

    structure = "unstructured" if choice.structure == AUTO else choice.structure
    objective = "size" if choice.objective == CYCLES else choice.objective
    return replace(choice, structure=structure, objective=objective)


def told_choice(
    model: Any, choice: Choice, sparsity: float, board: str | Path | None, progress: Progress
) -> tuple[Choice, tuple[str, ...]]:
    """`choice` as it is, or `with_told` where it asks."""
    from edgekit.boards import load_board

    if board is None or choice == checkable(choice):
        return choice, ()
    progress.say("asking the cost model which zeros pay")
    return with_told(model, choice, sparsity, load_board(board), "balanced")


def with_told(
    model: Any, choice: Choice, sparsity: float, board: Board, optimize: str
) -> tuple[Choice, tuple[str, ...]]:
    """`choice` with what the cost model of `board` told in place of "auto" and "cycles", and
    remarks on the layers for which nothing pays: they are kept.

    EdgekitError where no shape pays on the board's core.
    """
    from edgekit.prune.objective import CYCLES, Told
    from edgekit.prune.structures import AUTO, ByKernel
    from edgekit.prune.targets import find_kernels

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
        open_kernels = [k.name for k in find_kernels(model, choice.keep) if not k.protected]
        idle = tuple(name for name in open_kernels if name not in table)
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
    from edgekit.prune.targets import find_kernels
    from edgekit.verbs._conversion import Options, from_keras
    from edgekit.verbs._lowered import board_target

    graph = from_keras(model, None, Options(SAMPLES, 0), SILENT).graph
    costs = CostModel(graph, board_target(board, optimize))
    readers = {op.inputs[1]: op for op in graph.ops if op.kind in PRUNABLE}
    stored = _stored(find_kernels(model, choice.keep), graph, readers)
    found = {
        name: (best_shape(readers[index], costs, sparsity), graph.tensor(index).elements)
        for name, index in stored.items()
    }
    if not found:
        raise EdgekitError(
            "no kernel of this model can be found in its int8 graph",
            hint="name a structure, 2x2 for example",
        )
    return found


def _stored(kernels: list[Kernel], graph: Graph, readers: dict[int, Op]) -> dict[str, int]:
    """Kernel name -> the constant of the graph with its weights: by the layer's name, and what is
    left then by order and size."""
    from edgekit.verbs._zeros import stored_kernel

    found: dict[str, int] = {}
    taken: set[int] = set()
    open_kernels = [kernel for kernel in kernels if not kernel.protected]
    for kernel in open_kernels:
        tensor = stored_kernel(kernel, graph, taken)
        if tensor is not None and tensor.index in readers:
            found[kernel.name] = tensor.index
            taken.add(tensor.index)
    for kernel in open_kernels:
        size = kernel.values().size
        left = [i for i in readers if i not in taken and graph.tensor(i).elements == size]
        if kernel.name not in found and left:
            found[kernel.name] = left[0]
            taken.add(left[0])
    return found
