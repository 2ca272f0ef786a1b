# SPDX-License-Identifier: Apache-2.0
"""How the aot runtime runs a model on a board: the way chosen for each layer, and its price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgekit.boards import Board
    from edgekit.lower.program import KernelCall, Program, Target
    from edgekit.tflite.graph import Graph

# Of flash, and of RAM with the stack: what the app itself is reckoned to take.
APP_BYTES = 16 * 1024
_NOT_IN_INVOKE = {"predicted_instructions": 0, "predicted_cycles": 0}


def board_target(board: Board, optimize: str) -> Target:
    """What code for `board` is made for, the app's own share of its memory taken off."""
    from edgekit.lower.program import Target

    return Target(
        core=board.core,
        optimize=optimize,
        flash_bytes=max(board.memory.flash_bytes - APP_BYTES, 1),
        ram_bytes=max(board.memory.ram_bytes - APP_BYTES, 1),
    )


def lowered_ops(program: Program) -> tuple[dict[str, Any], ...]:
    """One row per op that runs: `{op, layer, origin, macs, outputs, way, predicted_instructions,
    predicted_cycles, constant_bytes, scratch_bytes}`.

    `origin` are the ops of the .tflite file that it stands for, the one that names it first;
    `way` is how it is run, `predicted_instructions` and `predicted_cycles` (None for a core
    without a model) what one inference was foretold to take, 0 for an op that moves nothing, or
    that runs outside it as the rows of the input arrive.
    """
    from edgekit.lower.build import macs

    graph = program.graph
    return tuple(
        {
            "op": op.kind,
            "layer": op.layer,
            "origin": op.origins,
            "macs": macs(op, graph),
            "outputs": tuple(i for i in op.outputs if graph.tensor(i).kept),
            **_way(call, graph, program.target.core),
            **({} if op.index or not program.rows else _NOT_IN_INVOKE),
        }
        for op, call in zip(graph.ops, program.calls, strict=True)
    )


def constant_bytes(program: Program) -> int:
    """Weights, indices and parameters as the aot runtime stores them."""
    core = program.target.core
    return sum(_way(call, program.graph, core)["constant_bytes"] for call in program.calls)


def _way(call: KernelCall, graph: Graph, core: str) -> dict[str, Any]:
    from edgekit.lower.ways.timing import call_cycles

    arrays = (graph.tensor(index) for index in call.inputs if graph.tensor(index).is_constant)
    constants = sum(const.data.nbytes for const in call.consts)
    cycles = call_cycles(call, core)
    return {
        "way": "none" if call.alias else call.way,
        "predicted_instructions": 0 if call.alias else round(call.instructions),
        "predicted_cycles": None if cycles is None else round(cycles),
        "constant_bytes": constants + sum(tensor.bytes for tensor in arrays),
        "scratch_bytes": call.scratch_bytes,
    }
