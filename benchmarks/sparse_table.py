# SPDX-License-Identifier: Apache-2.0
"""Pruned weights in cycles: the aot runtime against TFLite Micro with CMSIS-NN on the dense model.

For each layer of the MLPerf Tiny reference files the cost model of the board's core is asked which
shape of zeros pays (as `edgekit prune --structure auto` does), and the int8 weights are zeroed in
that shape by magnitude, at once and in each layer alike: what is shown is time and bytes, not
accuracy. First convolutions and kernels below 256 weights are left alone, as `prune` leaves them.
Outputs are compared with TFLM's on the same pruned file, bit for bit.

Cycles of a Cortex-M4 are estimated by firmware/emulator/ek_cycles.c for both sides; TFLM's dense
cycles come from the study in which the same kernels were measured with the same timings.

    python benchmarks/sparse_table.py [--sparsity 0.75] [--optimize balanced] [--layers]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from common import ROOT, conditions, mlperf_model, table

sys.path.insert(0, str(ROOT))

from edgekit.lower.build import lower_graph
from edgekit.lower.paying import PRUNABLE, CostModel
from edgekit.lower.program import Program, Target
from edgekit.tflite.graph import Graph, Op
from edgekit.tflite.reader import read_graph
from edgekit.verbs._auto import Shape, best_shape, kept
from tests.support.core_cycles import CoreCycles, core_cycles
from tests.support.core_models import golden_hashes, run_model
from tests.support.on_core import core_board

CORE = "cortex-m4"
FLAGS = {"speed": "-O3", "balanced": "-O2", "size": "-Os"}
# TFLM + CMSIS-NN on the dense model, cycles of a Cortex-M4, and how many times fewer are aimed at
# with 75 % of the weights zero in blocks.
DENSE_CYCLES = {"ad01": 738_000, "kws": 9_320_000, "resnet8": 36_800_000, "vww96": 29_500_000}
GOALS = {"ad01": 6.0, "kws": 4.3, "resnet8": 6.0}
LEAST_WEIGHTS = 256
RESULT = Path(__file__).parent / "results" / "sparse_table.json"
HEAD = (
    *("model", "zeros", "optimize", "instructions", "cycles", "x fewer", "goal"),
    *("weight bytes", "of dense", "arena", "exact"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One model at one sparsity: `weight_bytes` are constants of the layers that were pruned."""

    model: str
    sparsity: float
    optimize: str
    instructions: int
    cycles: int
    times_fewer: float
    weight_bytes: int
    dense_bytes: int
    arena_bytes: int
    exact: bool
    structures: dict[str, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sparsity", action="append", type=float, help="default: 0.5, 0.75, 0.9")
    parser.add_argument("--model", action="append", choices=DENSE_CYCLES, help="default: all")
    parser.add_argument("--optimize", action="append", choices=FLAGS, help="default: balanced")
    parser.add_argument("--layers", action="store_true", help="a table of every op as well")
    parser.add_argument("--save", action="store_true", help=f"write {RESULT.name}")
    options = parser.parse_args()
    rows = [
        measure(name, sparsity, optimize, layers=options.layers)
        for name in options.model or DENSE_CYCLES
        for optimize in options.optimize or ["balanced"]
        for sparsity in options.sparsity or [0.5, 0.75, 0.9]
    ]
    print(conditions())
    print(table(HEAD, [_cells(row) for row in rows]))
    if options.save:
        record = {"conditions": conditions(), "rows": [asdict(row) for row in rows]}
        RESULT.write_text(json.dumps(record, indent=1) + "\n")
    return 0 if all(row.exact for row in rows) else 1


def _cells(row: Row) -> tuple[object, ...]:
    goal = GOALS.get(row.model) if row.sparsity == 0.75 else None
    return (
        *(row.model, f"{100 * row.sparsity:.0f} %", row.optimize, row.instructions, row.cycles),
        *(f"{row.times_fewer:.2f}", f"{goal:.1f}" if goal else ""),
        *(row.weight_bytes, f"{row.weight_bytes / row.dense_bytes:.2f}", row.arena_bytes),
        "yes" if row.exact else "NO",
    )


def measure(name: str, sparsity: float, optimize: str, *, layers: bool) -> Row:
    target = Target(core=CORE, optimize=optimize)
    data, shapes = pruned(mlperf_model(name).read_bytes(), target, sparsity)
    program = lower_graph(read_graph(data), target)
    with tempfile.TemporaryDirectory() as folder:
        run = run_model(program, Path(folder), core_board(CORE), (FLAGS[optimize],))
        cycles = core_cycles(Path(folder) / "program.elf", core_board(CORE))
    if layers:
        print(name, sparsity, optimize)
        print(layer_table(program, cycles), end="\n\n")
    dense = read_graph(mlperf_model(name))
    touched = {op.outputs[0]: op for op in dense.ops if op.index in shapes}
    return Row(
        model=name,
        sparsity=sparsity,
        optimize=optimize,
        instructions=run.instructions,
        cycles=cycles.whole.cycles,
        times_fewer=round(DENSE_CYCLES[name] / cycles.whole.cycles, 3),
        weight_bytes=_constant_bytes(program, set(touched)),
        dense_bytes=sum(
            dense.input_of(op, 1).bytes + 12 * dense.input_of(op, 1).shape[0]
            for op in touched.values()
        ),
        arena_bytes=program.plan.arena_bytes,
        exact=run.hashes == golden_hashes(data),
        structures={str(index): shape.structure or "" for index, shape in shapes.items()},
    )


def _constant_bytes(program: Program, outputs: set[int]) -> int:
    """Weights, indices, biases and scales of the ops that write `outputs`."""
    calls = zip(program.graph.ops, program.calls, strict=True)
    return sum(
        const.data.nbytes for op, call in calls if op.outputs[0] in outputs for const in call.consts
    )


def pruned(data: bytes, target: Target, sparsity: float) -> tuple[bytes, dict[int, Shape]]:
    """The file with weights zeroed, and by op index the shape in which; layers for which no shape
    pays are as they were."""
    graph = read_graph(data)
    costs = CostModel(graph, target)
    shapes: dict[int, Shape] = {}
    for op in prunable(graph):
        shape = best_shape(op, costs, sparsity)
        if shape.structure is None:
            continue
        shapes[op.index] = shape
        weights = graph.input_of(op, 1).data
        assert weights is not None
        keep = kept(op, graph, shape.structure, sparsity)
        data = _replaced(data, weights.tobytes(), np.where(keep, weights, 0).astype(np.int8))
    return data, shapes


def prunable(graph: Graph) -> list[Op]:
    """Ops that `prune` would prune: not the first convolution, nor the smallest."""
    first = next((op.index for op in graph.ops if op.kind == "CONV_2D"), -1)
    return [
        op
        for op in graph.ops
        if op.kind in PRUNABLE
        and op.index != first
        and graph.input_of(op, 1).elements >= LEAST_WEIGHTS
    ]


def _replaced(data: bytes, old: bytes, new: np.ndarray) -> bytes:
    """A buffer of a .tflite file lies in it as it is."""
    assert data.count(old) == 1
    return data.replace(old, new.tobytes())


def layer_table(program: Program, cycles: CoreCycles) -> str:
    rows = []
    for op, call, cost in zip(program.graph.ops, program.calls, cycles.ops, strict=True):
        error = f"{call.instructions / max(cost.instructions, 1) - 1:+.0%}"
        rows.append(
            (
                *(op.index, op.kind, call.way, round(call.instructions)),
                *(cost.instructions, error, cost.cycles),
            )
        )
    return table(("op", "kind", "way", "predicted", "counted", "error", "cycles"), rows)


if __name__ == "__main__":
    sys.exit(main())
