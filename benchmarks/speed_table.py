# SPDX-License-Identifier: Apache-2.0
"""Instructions, RAM and flash of the aot runtime against TFLite Micro with CMSIS-NN, MLPerf Tiny.

TFLM's side was measured once (benchmarks/results/tflm_cmsis_nn.json says how): instructions of
one Invoke(), arena_used_bytes(), and flash of the program with its model less the empty runner,
with int8-only registrations. Ours is one `<name>_invoke()` in a program that holds nothing else;
its outputs are compared with TFLM's bit for bit. TFLM was not measured on a Cortex-M3 and on RV32:
there "x" compares with our own portable C at -O2, measured alongside.

    python benchmarks/speed_table.py [--core cortex-m4] [--optimize speed] [--layers]

Without options it runs every core, model and goal. A run of every core and model is kept in
benchmarks/results/speed_table.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from common import MLPERF_TINY, ROOT, conditions, mlperf_model, table

sys.path.insert(0, str(ROOT))

from edgekit.lower.build import lower_graph
from edgekit.lower.program import Program, Target
from edgekit.tflite.reader import read_graph
from tests.support.core_models import CoreRun, golden_hashes, run_model
from tests.support.on_core import CORES, core_board, flash_bytes

RESULTS = Path(__file__).parent / "results"
BASELINE = RESULTS / "tflm_cmsis_nn.json"
FLAGS = {"speed": "-O3", "balanced": "-O2", "size": "-Os"}
HEAD = ("model", "core", "optimize", "instructions", "x fewer", "arena", "x", "flash", "x", "exact")
PORTABLE = ("generic", "balanced")  # target and goal of what stands in where TFLM was not measured
Measured = tuple[Program, CoreRun, int]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", action="append", choices=CORES, help="default: all")
    parser.add_argument("--optimize", action="append", choices=FLAGS, help="default: all three")
    parser.add_argument("--model", action="append", choices=MLPERF_TINY, help="default: all")
    parser.add_argument("--layers", action="store_true", help="a table of every op as well")
    options = parser.parse_args()
    baseline = json.loads(BASELINE.read_text())["models"]
    models, cores = options.model or list(MLPERF_TINY), options.core or list(CORES)
    golden = {name: golden_hashes(mlperf_model(name).read_bytes()) for name in models}
    goals = options.optimize or list(FLAGS)
    with ThreadPoolExecutor(2) as pool:
        pairs = [(name, core) for name in models for core in cores]
        parts = list(pool.map(lambda pair: measure_all(*pair, goals, baseline[pair[0]]), pairs))
    rows = []
    for (name, core), (theirs, runs) in zip(pairs, parts, strict=True):
        for goal, measured in zip(goals, runs, strict=True):
            rows.append(record(name, core, goal, measured, theirs, golden[name]))
            if options.layers:
                print(name, core, goal)
                print(layer_table(*measured[:2], baseline[name]["ops"]), end="\n\n")
    print(conditions())
    print(table(HEAD, [cells(row) for row in rows]))
    if not (options.core or options.model):
        text = json.dumps({"conditions": conditions(), "rows": rows}, indent=1)
        (RESULTS / "speed_table.json").write_text(text + "\n")
    return int(not all(row["exact"] for row in rows))


def measure_all(
    name: str, core: str, goals: list[str], baseline: dict[str, Any]
) -> tuple[dict[str, Any], list[Measured]]:
    """What to compare with, and the model measured for each goal."""
    runs = [measure(name, core, core, goal) for goal in goals]
    if core in baseline:
        return {"by": "TFLite Micro with CMSIS-NN", **baseline[core]}, runs
    program, run, flash = measure(name, core, *PORTABLE)
    sizes = {"arena_bytes": program.plan.arena_bytes, "flash_bytes": flash}
    return {"by": "portable C", "instructions": run.instructions, **sizes}, runs


def measure(name: str, core: str, kernels: str, optimize: str) -> Measured:
    """The program lowered for core `kernels`, its run on `core`, and bytes of flash."""
    target = Target(core=kernels, optimize=optimize)
    program = lower_graph(read_graph(mlperf_model(name)), target)
    board = core_board(core)
    with tempfile.TemporaryDirectory() as folder:
        run = run_model(program, Path(folder), board, (FLAGS[optimize],))
        flash = flash_bytes(Path(folder) / "program.elf", board)
    return program, run, flash


def record(
    name: str, core: str, goal: str, measured: Measured, theirs: dict[str, Any], golden: list[int]
) -> dict[str, Any]:
    """One row; the factors say how many times less than `compared_with`."""
    program, run, flash = measured
    ours = {
        "instructions": run.instructions,
        "arena_bytes": program.plan.arena_bytes,
        "flash_bytes": flash,
    }
    return {
        **{"model": name, "core": core, "optimize": goal, **ours},
        "factors": {key: round(theirs[key] / max(value, 1), 3) for key, value in ours.items()},
        "compared_with": theirs["by"],
        "exact": run.hashes == golden and run.instructions > 0,
    }


def cells(row: dict[str, Any]) -> tuple[object, ...]:
    own = "" if row["compared_with"].startswith("TFLite") else " (portable)"
    sizes = [
        part
        for key in ("instructions", "arena_bytes", "flash_bytes")
        for part in (row[key], f"{row['factors'][key]:.2f}{own}")
    ]
    return (row["model"], row["core"], row["optimize"], *sizes, "yes" if row["exact"] else "NO")


def layer_table(program: Program, run: CoreRun, theirs: list[int]) -> str:
    """Every op: its way, instructions predicted and counted, and TFLM's on a Cortex-M4."""
    rows = []
    for op, call, count in zip(program.graph.ops, program.calls, run.ops, strict=True):
        before = sum(theirs[index] for index in op.origins)
        predicted = round(call.instructions)
        rows.append(
            (
                *(op.index, op.kind, call.way, predicted, count, f"{predicted / count - 1:+.0%}"),
                *(before, f"{before / count:.2f}"),
            )
        )
    head = ("op", "kind", "way", "predicted", "counted", "error", "TFLM on M4", "x fewer")
    return table(head, rows)


if __name__ == "__main__":
    sys.exit(main())
