# SPDX-License-Identifier: Apache-2.0
"""`edgekit.inspect()`: what is in a .tflite file, what it costs, and what can run it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.boards import Board, load_board
from edgekit.lower.build import lower_graph, macs, refusals
from edgekit.lower.program import Program
from edgekit.quantize.checks import CheckResult, Evidence, run_checks
from edgekit.tflite.graph import Graph, Op, Tensor
from edgekit.tflite.reader import read_graph
from edgekit.tflm.ops import unsupported_ops
from edgekit.verbs._arena import TflmArena, tflm_arena
from edgekit.verbs._lowered import board_target, lowered_ops
from edgekit.verbs._named import read_named
from edgekit.verbs.golden import NOT_CHECKED, try_tflm


@dataclass(frozen=True, slots=True)
class OpRow:
    """One op. `runtimes` can run it, `refused` says why the others cannot (runtime -> reason).

    `weights` counts its constant values without biases, `zero_weights` those equal to their zero
    point; `weight_bytes` is the constants as stored in the file, biases included. `live_bytes`
    are all activations that exist while it runs.
    """

    index: int
    op: str
    layer: str
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    macs: int
    weights: int
    zero_weights: int
    weight_bytes: int
    live_bytes: int
    runtimes: tuple[str, ...]
    refused: dict[str, str]


@dataclass(frozen=True, slots=True)
class TensorRow:
    """One tensor. `first_op` and `last_op` bound its life; None for a constant.

    An input of the model lives from op -1; `scales` are per channel along `axis` where several.
    `stored_as` is "prune" or "lut" where the file holds a constant encoded for TFLite Micro's
    DECODE operator, in `stored_bytes`; those of an activation are 0.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    role: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    first_op: int | None
    last_op: int | None
    arena_offset: int | None
    stored_as: str
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class BoardFit:
    """Whether weights and activations alone fit a board; code and stack come on top."""

    board: str
    flash_bytes: int
    ram_bytes: int
    fits: bool


@dataclass(frozen=True, slots=True)
class InspectRecord:
    """What is in a .tflite file. `arena_bytes` by runtime, None where that cannot run it.

    `tflm_arena` says how the tflm arena was found and what is in it.
    `peak_bytes` is the most that activations need at once, before any sharing in place.
    `decodes` is how many DECODE ops TFLite Micro runs besides `ops`; weights count as decoded.
    `lowered` are the ops that the aot runtime would run on the board that was asked for, after its
    passes: the way chosen for each and what it is predicted to take, as in a firmware's record;
    empty without a board. `checks` are those of a conversion, as far as the file alone tells.
    """

    tflite: Path
    tflite_bytes: int
    model_sha256: str
    name: str
    ops: tuple[OpRow, ...]
    tensors: tuple[TensorRow, ...]
    macs: int
    weight_bytes: int
    weights: int
    zero_weights: int
    sparsity: float
    peak_bytes: int
    peak_op: int
    arena_bytes: dict[str, int | None]
    tflm_arena: TflmArena | None
    runtimes: dict[str, str]
    decodes: int
    lowered: tuple[dict[str, Any], ...]
    checks: tuple[CheckResult, ...]
    board: BoardFit | None


Span = tuple[int, int]


def inspect(
    model: str | Path, *, board: str | None = None, optimize: str = "balanced"
) -> InspectRecord:
    """Ops, tensors, costs and runtimes of a .tflite file; EdgekitError where it is none.

    With `board`, also how the aot runtime would run each layer there, optimized for "speed",
    "balanced" or "size".
    """
    path = Path(model)
    graph = read_named(path)
    chosen = load_board(board) if board else None
    aot = refusals(graph)
    program = (
        None if aot else lower_graph(graph, board_target(chosen, optimize) if chosen else None)
    )
    planned, tflm_reason = _in_tflm(path, graph, chosen)
    spans = lifetimes(graph)
    ops = op_rows(graph, aot, tflm_reason)
    peak = max(ops, key=lambda row: row.live_bytes, default=None)
    weights, zeros = (sum(getattr(row, key) for row in ops) for key in ("weights", "zero_weights"))
    stored = _stored_bytes(graph)
    arena = _arenas(program, planned)
    return InspectRecord(
        tflite=path,
        tflite_bytes=graph.file_bytes,
        model_sha256=graph.sha256,
        name=graph.name,
        ops=ops,
        tensors=tuple(_tensor_row(t, graph, spans, program) for t in graph.tensors),
        macs=sum(row.macs for row in ops),
        weight_bytes=stored,
        weights=weights,
        zero_weights=zeros,
        sparsity=round(zeros / weights, 6) if weights else 0.0,
        peak_bytes=peak.live_bytes if peak else 0,
        peak_op=peak.index if peak else -1,
        arena_bytes=arena,
        tflm_arena=planned,
        runtimes={"aot": next(iter(aot.values()), ""), "tflm": tflm_reason},
        decodes=len(graph.decodes),
        lowered=lowered_ops(program) if program and chosen else (),
        checks=run_checks(Evidence(graph, path.name, converted=False)),
        board=_fit(chosen, stored, arena["aot"]) if chosen else None,
    )


def _arenas(program: Program | None, planned: TflmArena | None) -> dict[str, int | None]:
    """Bytes by runtime."""
    return {
        "aot": program.plan.arena_bytes if program else None,
        "tflm": planned.arena_bytes if planned else None,
    }


def _in_tflm(path: Path, graph: Graph, board: Board | None) -> tuple[TflmArena | None, str]:
    """The arena that TFLite Micro needs, and why it cannot run the model ("" where it can)."""
    tflm, reason = try_tflm(path, graph)
    if reason not in ("", NOT_CHECKED):
        return None, reason
    return tflm_arena(read_graph(path, decode=False), board, tflm), reason


def op_rows(graph: Graph, aot_refusals: dict[int, str], tflm_refusal: str) -> tuple[OpRow, ...]:
    """One row per op. TFLM takes or refuses a model as a whole: where it refuses, the table of
    what it runs says which ops are why, else those that its words name, else all."""
    spans = lifetimes(graph)
    known = unsupported_ops(graph) if tflm_refusal else {}
    named = set(known) or {op.index for op in graph.ops if op.kind in tflm_refusal}
    rows = []
    for op in graph.ops:
        refused = {}
        if op.index in aot_refusals:
            refused["aot"] = aot_refusals[op.index]
        if tflm_refusal and (op.index in named or not named):
            why = known.get(op.index)
            refused["tflm"] = f"{why.reason}; {why.remedy}" if why else tflm_refusal
        rows.append(_op_row(op, graph, spans, refused))
    return tuple(rows)


def _op_row(op: Op, graph: Graph, spans: dict[int, Span], refused: dict[str, str]) -> OpRow:
    constants = [graph.tensor(i) for i in op.inputs if i >= 0 and graph.tensor(i).is_constant]
    kernels = [t for t in constants if _is_weights(t)]
    live = {i for i, (first, last) in spans.items() if first <= op.index <= last}
    return OpRow(
        index=op.index,
        op=op.kind,
        layer=op.layer,
        inputs=tuple(graph.tensor(i).shape for i in op.inputs if i in spans),
        outputs=tuple(graph.tensor(i).shape for i in op.outputs),
        macs=macs(op, graph),
        weights=sum(t.elements for t in kernels),
        zero_weights=sum(count_zeros(t) for t in kernels),
        weight_bytes=sum(t.bytes for t in constants),
        live_bytes=sum(graph.tensor(i).bytes for i in live),
        runtimes=tuple(name for name in ("aot", "tflm") if name not in refused),
        refused=refused,
    )


def _is_weights(tensor: Tensor) -> bool:
    """Constants that pruning could make zero: more than one axis of int8 or float."""
    return len(tensor.shape) >= 2 and tensor.dtype in ("int8", "uint8", "float32")


def count_zeros(tensor: Tensor) -> int:
    """Values of a constant tensor that mean 0: equal to their zero point."""
    if tensor.data is None:
        return 0
    zero: int | np.ndarray = 0
    if tensor.quant is not None:
        zero = np.array(tensor.quant.zero_points)
        if tensor.quant.per_channel:
            shape = [1] * len(tensor.shape)
            shape[tensor.quant.axis] = -1
            zero = zero.reshape(shape)
    return int(np.count_nonzero(tensor.data == zero))


def lifetimes(graph: Graph) -> dict[int, Span]:
    """First and last op that needs each activation; inputs live from -1, outputs to the end."""
    spans = dict.fromkeys(graph.inputs, (-1, -1))
    for op in graph.ops:
        for index in op.inputs:
            if index in spans:
                spans[index] = (spans[index][0], op.index)
        for index in op.outputs:
            spans[index] = (op.index, op.index)
    for index in graph.outputs:
        if index in spans:
            spans[index] = (spans[index][0], len(graph.ops) - 1)
    return spans


def _tensor_row(
    tensor: Tensor, graph: Graph, spans: dict[int, Span], program: Program | None
) -> TensorRow:
    role = "constant" if tensor.is_constant else "activation"
    if tensor.index in graph.inputs:
        role = "input"
    elif tensor.index in graph.outputs:
        role = "output"
    span = spans.get(tensor.index)
    quant = tensor.quant
    return TensorRow(
        index=tensor.index,
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        bytes=tensor.bytes,
        role=role,
        scales=quant.scales if quant else (),
        zero_points=quant.zero_points if quant else (),
        axis=quant.axis if quant else 0,
        first_op=span[0] if span else None,
        last_op=span[1] if span else None,
        arena_offset=program.plan.offsets.get(tensor.index) if program else None,
        stored_as=tensor.encoded.mode if tensor.encoded else "plain",
        stored_bytes=_in_file(tensor),
    )


def _in_file(tensor: Tensor) -> int:
    if tensor.encoded:
        return tensor.encoded.stored_bytes
    return tensor.bytes if tensor.is_constant else 0


def _stored_bytes(graph: Graph) -> int:
    """Bytes of all constants, each counted once however many ops use it."""
    used = {i for op in graph.ops for i in op.inputs if i >= 0 and graph.tensor(i).is_constant}
    return sum(graph.tensor(i).bytes for i in used)


def _fit(board: Board, weight_bytes: int, arena_bytes: int | None) -> BoardFit:
    limits = board.memory
    fits = weight_bytes <= limits.flash_bytes and (arena_bytes or 0) <= limits.ram_bytes
    return BoardFit(board.id, limits.flash_bytes, limits.ram_bytes, fits)
