# SPDX-License-Identifier: Apache-2.0
"""Graph to program: each op through its OpKind, then a place in memory for every activation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.lower.choose import choose_ways
from edgekit.lower.fixed import no_activation_range
from edgekit.lower.memory import arrange, plan_memory
from edgekit.lower.ops import REGISTRY
from edgekit.lower.passes import run_passes
from edgekit.lower.program import KernelCall, MemoryPlan, Program, RowStream, Target
from edgekit.lower.rows import held_rows, row_stream, row_ways
from edgekit.lower.ways import Way, ways_of
from edgekit.tflite.graph import Graph, Op, Tensor

# What reading an op with missing options, inputs or sides raises; a file may hold any such op.
_MISFIT = (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError)
MISFIT = "its inputs, options and shapes do not fit together"
LARGEST_BYTES = 1 << 30  # kernels index with int32


def refusal(op: Op, graph: Graph) -> str:
    """Why the ahead-of-time runtime cannot run `op`; "" where it can."""
    if op.kind not in REGISTRY:
        return f"the operator {op.kind} is not in edgekit's runtime"
    for index in (*op.inputs, *op.outputs):
        if index >= 0 and (reason := _unfit(graph.tensor(index))):
            return reason
    try:
        function = op.options.get("fused_activation_function")
        if reason := no_activation_range(function, graph.output_of(op)):
            return reason
        return REGISTRY[op.kind].refuse(op, graph)
    except _MISFIT:
        return MISFIT


def _unfit(tensor: Tensor) -> str:
    """Why no operator can use `tensor`; "" for a sound one."""
    if tensor.dynamic:
        return "a shape is only known at run time"
    if not 0 < tensor.bytes <= LARGEST_BYTES:
        return f"tensor '{tensor.name}' holds {tensor.bytes} bytes"
    scales = tensor.quant.scales if tensor.quant else ()
    if not all(math.isfinite(scale) and scale > 0 for scale in scales):
        return f"a scale of tensor '{tensor.name}' is not a positive number"
    zero_points = tensor.quant.zero_points if tensor.quant else ()
    if not all(abs(zero_point) < 1 << 31 for zero_point in zero_points):
        return f"a zero point of tensor '{tensor.name}' does not fit 32 bits"
    return ""


def refusals(graph: Graph) -> dict[int, str]:
    """Op index -> reason, for every op that the ahead-of-time runtime cannot run."""
    reasons = {op.index: refusal(op, graph) for op in graph.ops}
    return {index: reason for index, reason in reasons.items() if reason}


def macs(op: Op, graph: Graph) -> int:
    """Multiply-accumulates of `op`, in whatever types; 0 for an operator that edgekit does not
    know, or whose shapes do not fit together."""
    ends = [graph.tensor(index) for index in (*op.inputs, *op.outputs) if index >= 0]
    if op.kind not in REGISTRY or any(_unfit(tensor) for tensor in ends):
        return 0
    try:
        return REGISTRY[op.kind].macs(op, graph)
    except _MISFIT:
        return 0


def lower_graph(
    graph: Graph, target: Target | None = None, *, stream_rows: bool = False
) -> Program:
    """The program that runs `graph`; EdgekitError naming op, layer and reason where none can.

    The program's graph is `graph` after the passes: its ops say by `origin` which ops of `graph`
    they stand for. With `stream_rows` its input arrives by rows (`Program.rows`).
    """
    target = target or Target()
    if reasons := refusals(graph):
        index, reason = next(iter(reasons.items()))
        others = f" (and {len(reasons) - 1} more ops)" if len(reasons) > 1 else ""
        raise _cannot_run(graph.ops[index], f"{reason}{others}")
    _check_order(graph)
    graph = _passed(graph, target)
    rows = row_stream(graph) if stream_rows else None
    options = [_ways(op, graph, target) for op in graph.ops[1 if rows else 0 :]]
    if rows:
        options.insert(0, row_ways(graph, target, rows))
        graph = held_rows(graph, rows)
    ways = choose_ways(options, graph, target)
    calls = tuple(_lower(op, way) for op, way in zip(graph.ops, ways, strict=True))
    graph, calls, plan = _arranged(graph, calls, rows)
    return Program(graph=graph, target=target, calls=calls, plan=plan, rows=rows)


def _arranged(
    graph: Graph, calls: tuple[KernelCall, ...], rows: RowStream | None
) -> tuple[Graph, tuple[KernelCall, ...], MemoryPlan]:
    """Order and plan; an op that takes rows stays the first."""
    found = arrange(graph, calls)
    if rows is None or found[0].ops[0].outputs == graph.ops[0].outputs:
        return found
    return graph, calls, plan_memory(graph, calls)


def _passed(graph: Graph, target: Target) -> Graph:
    try:
        with np.errstate(divide="raise", invalid="raise"):
            return run_passes(graph, target)
    except _MISFIT as error:
        raise EdgekitError(
            "the aot runtime cannot run this model: the shapes of its ops do not fit together",
            hint="convert the model again; `edgekit inspect` lists its ops",
        ) from error


def _ways(op: Op, graph: Graph, target: Target) -> list[Way]:
    try:
        return ways_of(op, graph, target)
    except _MISFIT as error:
        raise _cannot_run(op, MISFIT) from error


def _lower(op: Op, way: Way) -> KernelCall:
    try:
        return replace(way.lower(), way=way.name, instructions=way.instructions)
    except _MISFIT as error:
        raise _cannot_run(op, MISFIT) from error


def _check_order(graph: Graph) -> None:
    """Every activation that is read must have been written once, and by one op only."""
    written = set(graph.inputs)
    for op in graph.ops:
        needed = [i for i in _read(op) if i >= 0 and not graph.tensor(i).is_constant]
        fresh = len(set(op.outputs)) == len(op.outputs) and not written.intersection(op.outputs)
        if not fresh or not written.issuperset(needed):
            raise _cannot_run(op, "its inputs are not computed before it, or its outputs twice")
        written.update(op.outputs)
    if not written.issuperset(graph.outputs):
        raise EdgekitError(
            "an output of the model is computed by no op",
            hint="convert the model again without outputs that are constants",
        )


def _read(op: Op) -> list[int]:
    """The inputs of `op` but for states that its kernel keeps itself."""
    states = REGISTRY[op.kind].states
    return [index for position, index in enumerate(op.inputs) if position not in states]


def _cannot_run(op: Op, reason: str) -> EdgekitError:
    return EdgekitError(
        f"the aot runtime cannot run {op.kind} of layer '{op.layer}': {reason}",
        hint="`edgekit inspect` lists every op and why; change that layer or use TFLite Micro",
    )
