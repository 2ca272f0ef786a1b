# SPDX-License-Identifier: Apache-2.0
"""Graph passes and the memory planner: a model's work, weights and arena before and after.

    python benchmarks/graph_passes.py models/*.tflite

Nothing runs here: that the outputs stay the same is what tests/native/test_passes*.py and
benchmarks/random_graphs.py --kind thin hold against TFLite Micro.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgekit.lower.build import macs
from edgekit.lower.memory import arrange, plan_memory
from edgekit.lower.opkind import REGISTRY
from edgekit.lower.passes import run_passes
from edgekit.lower.program import Target
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph


@dataclass(frozen=True, slots=True)
class Sizes:
    """Ops, multiply-accumulates, bytes of int8 constants, bytes of arena without scratch."""

    ops: int
    macs: int
    weight_bytes: int
    arena_bytes: int


def sizes(graph: Graph, *, shared: bool) -> Sizes:
    """Of `graph` on portable kernels; with `shared`, outputs may take over dying inputs' memory."""
    calls = tuple(REGISTRY[op.kind].lower(op, graph, Target()) for op in graph.ops)
    if shared:
        plan = arrange(graph, calls)[2]
    else:
        plan = plan_memory(graph, [replace(call, in_place=(), leads=()) for call in calls])
    used = {i for op in graph.ops for i in op.inputs if i >= 0}
    constants = [graph.tensor(i) for i in used if graph.tensor(i).is_constant]
    return Sizes(
        ops=len(graph.ops),
        macs=sum(macs(op, graph) for op in graph.ops),
        weight_bytes=sum(t.bytes for t in constants if t.dtype == "int8"),
        arena_bytes=plan.arena_bytes,
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", type=Path, help="int8 .tflite files")
    options = parser.parse_args()
    print("| model | ops | MACs | weights, bytes | arena, bytes |")
    print("|---|---|---|---|---|")
    for path in options.models:
        graph = read_graph(path)
        before, after = sizes(graph, shared=False), sizes(run_passes(graph), shared=True)
        cells = [
            f"{getattr(before, key):,} → {getattr(after, key):,}"
            for key in ("ops", "macs", "weight_bytes", "arena_bytes")
        ]
        print(f"| {path.stem} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
