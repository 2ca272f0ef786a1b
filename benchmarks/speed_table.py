# SPDX-License-Identifier: Apache-2.0
"""Instructions, RAM and flash of the aot runtime against TFLite Micro with CMSIS-NN, MLPerf Tiny.

TFLM's side was measured once (benchmarks/results/tflm_cmsis_nn.json says how): instructions of one
Invoke(), arena_used_bytes(), and flash of the program with its model less the empty runner, with
int8-only registrations. Ours is one `<name>_invoke()` in a program that holds nothing else; its
outputs are compared with TFLM's bit for bit.

    python benchmarks/speed_table.py [--core cortex-m4] [--optimize speed] [--layers]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from common import MLPERF_TINY, ROOT, conditions, mlperf_model, table

sys.path.insert(0, str(ROOT))

from edgekit.lower.build import lower_graph
from edgekit.lower.program import Program, Target
from edgekit.tflite.reader import read_graph
from tests.support.core_models import CoreRun, golden_hashes, run_model
from tests.support.on_core import core_board, flash_bytes

BASELINE = Path(__file__).parent / "results" / "tflm_cmsis_nn.json"
FLAGS = {"speed": "-O3", "balanced": "-O2", "size": "-Os"}
HEAD = ("model", "core", "optimize", "instructions", "x fewer", "arena", "x", "flash", "x", "exact")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", action="append", help="default: cortex-m4")
    parser.add_argument("--optimize", action="append", choices=FLAGS, help="default: all three")
    parser.add_argument("--model", action="append", choices=MLPERF_TINY, help="default: all")
    parser.add_argument("--layers", action="store_true", help="a table of every op as well")
    options = parser.parse_args()
    baseline = json.loads(BASELINE.read_text())["models"]
    rows, wrong = [], False
    for name in options.model or MLPERF_TINY:
        golden = golden_hashes(mlperf_model(name).read_bytes())
        for core in options.core or ["cortex-m4"]:
            for optimize in options.optimize or FLAGS:
                program, run, flash = measure(name, core, optimize)
                theirs = baseline[name][core]
                wrong |= run.hashes != golden
                rows.append(
                    (
                        *(name, core, optimize, run.instructions),
                        f"{theirs['instructions'] / run.instructions:.2f}",
                        program.plan.arena_bytes,
                        f"{theirs['arena_bytes'] / program.plan.arena_bytes:.2f}",
                        *(flash, f"{theirs['flash_bytes'] / flash:.2f}"),
                        "yes" if run.hashes == golden else "NO",
                    )
                )
                if options.layers:
                    print(name, core, optimize)
                    print(layer_table(program, run, baseline[name]["ops"]), end="\n\n")
    print(conditions())
    print(table(HEAD, rows))
    return int(wrong)


def measure(name: str, core: str, optimize: str) -> tuple[Program, CoreRun, int]:
    """The lowered program, its run on the emulated core, and bytes of flash."""
    target = Target(core=core, optimize=optimize)
    program = lower_graph(read_graph(mlperf_model(name)), target)
    with tempfile.TemporaryDirectory() as folder:
        run = run_model(program, Path(folder), core_board(core), (FLAGS[optimize],))
        flash = flash_bytes(Path(folder) / "program.elf")
    return program, run, flash


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
