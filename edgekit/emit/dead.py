# SPDX-License-Identifier: Apache-2.0
"""Which bytes of the arena hold nothing that is still needed, op by op."""

from __future__ import annotations

from edgekit.lower.program import Program

Stretch = tuple[int, int, int]  # op, offset and length in bytes


def dead_stretches(program: Program) -> list[Stretch]:
    """Before each op, the bytes that no input of the model and no earlier op's output, still to
    be read or given out, lies in: whatever they hold, the outputs must be the same."""
    plan, graph = program.plan, program.graph
    stretches = []
    for op in graph.ops:
        live = [
            (plan.offsets[index], plan.offsets[index] + graph.tensor(index).bytes)
            for index, (first, last) in plan.lifetimes.items()
            if first < op.index <= last
        ]
        at = 0
        for start, end in sorted([*live, (plan.arena_bytes, plan.arena_bytes)]):
            if start > at:
                stretches.append((op.index, at, start - at))
            at = max(at, end)
    return stretches
