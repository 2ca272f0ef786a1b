# SPDX-License-Identifier: Apache-2.0
"""The inside of `firmware`: what each runtime puts into a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.boards import Board
from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.emit.template import Template
    from edgekit.lower.program import Program
    from edgekit.tflite.graph import Graph
    from edgekit.verbs._arena import TflmArena

# TFLite Micro's kernels of the platforms' own packages, whose scratch buffers are not planned.
_OWN_KERNELS = {"esp_idf": "ESP-NN"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a project is asked for."""

    tflite: Path
    board: Board
    template: Template
    optimize: str
    name: str
    arena_bytes: int | None = None
    stream_rows: bool = False

    def provenance(self, sha256: str) -> str:
        from edgekit import __version__

        return f"edgekit {__version__}, from {self.tflite.name} (SHA-256 {sha256})"


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into a project, and what its record says of the model."""

    sources: Mapping[str, str | bytes]
    provenance: str
    sha256: str
    arena_bytes: int
    ops: tuple[dict[str, Any], ...]
    plan: dict[int, dict[str, int]]
    arena_plans: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def aot_content(wish: Wish) -> Content:
    """The graph as C on edgekit's own kernels. Raises EdgekitError naming op and layer."""
    from edgekit.emit.aot import aot_sources
    from edgekit.lower.build import lower_graph
    from edgekit.verbs._lowered import board_target, lowered_ops
    from edgekit.verbs._named import read_named

    graph = read_named(wish.tflite)
    target = board_target(wish.board, wish.optimize)
    program = lower_graph(graph, target, stream_rows=wish.stream_rows)
    provenance = wish.provenance(program.graph.sha256)
    sources: dict[str, str | bytes] = dict(aot_sources(program, wish.name, provenance))
    sources[f"{wish.name}.tflite"] = wish.tflite.read_bytes()
    return Content(
        sources=sources,
        provenance=provenance,
        sha256=program.graph.sha256,
        arena_bytes=program.plan.arena_bytes,
        ops=lowered_ops(program),
        plan=_aot_plan(program),
        warnings=_row_warnings(program, graph),
    )


def _row_warnings(program: Program, graph: Graph) -> tuple[str, ...]:
    """What is to be said of an input that arrives by rows, which may be of no use."""
    from edgekit.lower.build import lower_graph

    if program.rows is None:
        return ()
    rows, whole = program.plan.arena_bytes, lower_graph(graph, program.target).plan.arena_bytes
    if rows < whole:
        return ()
    return (
        f"rows save no memory in this model: the arena takes {rows:,} bytes with them and "
        f"{whole:,} with the whole input in it, for a later layer or the first one's output needs "
        "as much",
    )


def tflm_content(wish: Wish) -> Content:
    """The array, the op list and the arena for TFLite Micro's interpreter.

    Raises EdgekitError for an op that TFLM lacks and for compressed weights where the template's
    package cannot decode them, LimitBroken where the arena alone exceeds the board's RAM.
    """
    from edgekit.emit.template import check_decode
    from edgekit.emit.tflm import needed_methods, tflm_sources
    from edgekit.tflite.graph import needs_decode
    from edgekit.verbs._arena import check_arena
    from edgekit.verbs._named import read_named

    graph = read_named(wish.tflite, decode=False)
    check_decode(wish.template, needs_decode(graph))
    _check_ops(graph)
    planned = _planned(graph, wish)
    arena_bytes, how = planned.arena_bytes, planned.how
    if wish.arena_bytes is not None:
        arena_bytes, how = wish.arena_bytes, "as asked for by --arena-bytes"
    check_arena(replace(planned, arena_bytes=arena_bytes), wish.board)
    data = wish.tflite.read_bytes()
    provenance = wish.provenance(graph.sha256)
    sources: dict[str, str | bytes] = dict(
        tflm_sources(
            graph,
            data,
            wish.name,
            provenance,
            arena_bytes=arena_bytes,
            arena_how=how[:1].upper() + how[1:],
        )
    )
    sources[f"{wish.name}.tflite"] = data
    return Content(
        sources=sources,
        provenance=provenance,
        sha256=graph.sha256,
        arena_bytes=arena_bytes,
        ops=_tflm_ops(wish.tflite, graph),
        plan={},
        arena_plans=planned.plans,
        facts={"methods": needed_methods(graph)},
        warnings=_arena_warnings(wish, planned, arena_bytes),
    )


def _check_ops(graph: Graph) -> None:
    """EdgekitError, naming the layer and a remedy, for an op that TFLite Micro does not run."""
    from edgekit.tflm.ops import unsupported_ops

    for index, why in unsupported_ops(graph).items():
        op = graph.ops[index]
        raise EdgekitError(
            f"TFLite Micro cannot run {op.kind} (layer '{op.layer}'): {why.reason}", hint=why.remedy
        )


def _planned(graph: Graph, wish: Wish) -> TflmArena:
    """The plan; where an op's needs are not known, what was asked for with nothing known of it."""
    from edgekit.verbs._arena import TflmArena, largest_of, plans_for

    try:
        return largest_of(plans_for(graph, wish.board.core))
    except EdgekitError:
        if wish.arena_bytes is None:
            raise
        return TflmArena(wish.arena_bytes, False, "", wish.board.core, plans={}, parts=())


def _arena_warnings(wish: Wish, plan: TflmArena, arena_bytes: int) -> tuple[str, ...]:
    own = _OWN_KERNELS.get(wish.template.platform)
    if own and wish.arena_bytes is None:
        return (
            f"the arena of {arena_bytes:,} bytes is planned for reference kernels; {own} takes "
            "scratch buffers on top: give --arena-bytes if the model does not start",
        )
    if arena_bytes < plan.arena_bytes:
        return (
            f"the arena of {arena_bytes:,} bytes is smaller than planned ({plan.arena_bytes:,})",
        )
    return ()


def _aot_plan(program: Program) -> dict[int, dict[str, int]]:
    plan, graph = program.plan, program.graph
    return {
        tensor: {
            "offset": int(offset),
            "bytes": graph.tensor(tensor).bytes,
            "first": plan.lifetimes[tensor][0],
            "last": plan.lifetimes[tensor][1],
        }
        for tensor, offset in sorted(plan.offsets.items())
        if graph.tensor(tensor).kept
    }


def _tflm_ops(tflite: Path, graph: Graph) -> tuple[dict[str, Any], ...]:
    """The file's ops one for one; MACs are counted with the weights as they are decoded."""
    from edgekit.lower.build import macs
    from edgekit.tflite.reader import read_graph

    plain = read_graph(tflite)
    counted = {op.outputs: macs(op, plain) for op in plain.ops}
    return tuple(
        {
            "op": op.kind,
            "layer": op.layer,
            "origin": (op.index,),
            "macs": counted.get(op.outputs, 0),
            "outputs": op.outputs,
        }
        for op in graph.ops
    )


def contents_for(wish: Wish, runtime: str) -> Content:
    """What `runtime` puts into the project; EdgekitError for a runtime that does not exist."""
    makers = {"aot": aot_content, "tflm": tflm_content}
    if runtime not in makers:
        raise EdgekitError(f"unknown runtime '{runtime}'", hint=f"one of: {', '.join(makers)}")
    return makers[runtime](wish)
