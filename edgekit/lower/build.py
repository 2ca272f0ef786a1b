# SPDX-License-Identifier: Apache-2.0
"""Graph to program: each op through its OpKind, then a place in memory for every activation."""

from __future__ import annotations

from edgekit.errors import EdgekitError
from edgekit.lower.memory import plan_memory
from edgekit.lower.ops import REGISTRY
from edgekit.lower.program import Program, Target
from edgekit.tflite.graph import Graph, Op


def refusal(op: Op, graph: Graph) -> str:
    """Why the ahead-of-time runtime cannot run `op`; "" where it can."""
    if op.kind not in REGISTRY:
        return f"the operator {op.kind} is not in edgekit's runtime"
    touched = [graph.tensor(i) for i in (*op.inputs, *op.outputs) if i >= 0]
    if any(tensor.dynamic for tensor in touched):
        return "a shape is only known at run time"
    return REGISTRY[op.kind].refuse(op, graph)


def refusals(graph: Graph) -> dict[int, str]:
    """Op index -> reason, for every op that the ahead-of-time runtime cannot run."""
    reasons = {op.index: refusal(op, graph) for op in graph.ops}
    return {index: reason for index, reason in reasons.items() if reason}


def macs(op: Op, graph: Graph) -> int:
    """Multiply-accumulates of `op`; 0 for an operator that edgekit does not know."""
    if op.kind not in REGISTRY or REGISTRY[op.kind].refuse(op, graph):
        return 0
    return REGISTRY[op.kind].macs(op, graph)


def lower_graph(graph: Graph, target: Target | None = None) -> Program:
    """The program that runs `graph`; EdgekitError naming op, layer and reason where none can."""
    target = target or Target()
    if reasons := refusals(graph):
        index, reason = next(iter(reasons.items()))
        op = graph.ops[index]
        others = f" (and {len(reasons) - 1} more ops)" if len(reasons) > 1 else ""
        raise EdgekitError(
            f"the aot runtime cannot run {op.kind} of layer '{op.layer}': {reason}{others}",
            hint="`edgekit inspect` lists every op and why; change that layer or use TFLite Micro",
        )
    calls = tuple(REGISTRY[op.kind].lower(op, graph, target) for op in graph.ops)
    return Program(graph=graph, target=target, calls=calls, plan=plan_memory(graph, calls))
