# SPDX-License-Identifier: Apache-2.0
"""Random models: the ahead-of-time code against TFLM's interpreter, byte for byte.

    python benchmarks/random_graphs.py --count 300 --seed 1
    python benchmarks/random_graphs.py --count 60 --kind flat --sanitize
    python benchmarks/random_graphs.py --sparse 0.75 --board qemu-mps2-an386

Draws small Keras models (converted by `edgekit.quantize`), .tflite files with quantizations
that the converter never writes ("flat"), and some full of channels that graph passes can remove
("thin"); with --sparse pruned layers in every shape that kernels skip. With --board the models run
on the emulated core, lowered for it, with a way drawn at random for each layer. Exits with 1 if any
output differs, if the generated C does not build, or if edgekit runs what TFLM refuses; such a
model is shrunk and saved, and tests/random_graphs/test_shrunk.py then tests it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.random_graphs.judge import Verdict  # noqa: E402
from tests.random_graphs.shrink import shrink_ops, shrink_spec  # noqa: E402
from tests.random_graphs.sweep import (  # noqa: E402
    CRASHED,
    KINDS,
    SPARSE_KINDS,
    Summary,
    Task,
    fails_like,
    model_of,
    summarize,
)

BATCH = 12  # models in one program for a board
SHRUNK = ROOT / "tests" / "data" / "shrunk"


def main() -> int:
    options = _options()
    kinds = KINDS if options.kind == "all" else (options.kind,)
    kinds = tuple(f"sparse{round(100 * share)}" for share in options.sparse or ()) or kinds
    seeds = range(options.seed, options.seed + options.count)
    core = "cortex-m4" if options.sparse else "generic"
    tasks = [
        Task(kind, seed, options.sanitize, options.inputs, core=core)
        for kind in kinds
        for seed in seeds
    ]
    if options.board:
        return _on_board(tasks, options.board)
    started = time.monotonic()

    def tell(task: Task, verdict: Verdict) -> None:
        if verdict.bad or verdict.outcome == CRASHED:
            print(
                f"{task.kind} {task.seed}: {verdict.outcome}: {_line(verdict.reason)}", flush=True
            )

    summary = summarize(tasks, options.processes, tell)
    _show(summary, len(tasks), time.monotonic() - started)
    bad = [(task, verdict) for task, verdict in summary.bad if verdict.bad]
    for task, verdict in bad if options.shrink else []:
        _shrink(task, verdict)
    if options.json:
        _write(options.json, summary)
    return 1 if bad else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=300, help="models of each kind")
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--kind", choices=("all", *KINDS, *SPARSE_KINDS), default="all")
    parser.add_argument("--sparse", action="append", type=float, choices=(0.5, 0.75, 0.9))
    parser.add_argument("--board", help="run on this emulated board, not on this machine")
    parser.add_argument("--inputs", type=int, default=6, help="sets of inputs per model")
    parser.add_argument("--processes", type=int, default=2, choices=(1, 2))
    parser.add_argument("--sanitize", action="store_true", help="build with ASan and UBSan")
    parser.add_argument("--no-shrink", dest="shrink", action="store_false")
    parser.add_argument("--json", type=Path, help="write the summary to this file as well")
    return parser.parse_args()


def _on_board(tasks: list[Task], board: str) -> int:
    """All models on an emulated board, several to a program."""
    from edgekit.boards import load_board
    from tests.random_graphs.on_core import CoreSummary, golden_of, run_batch

    started, summary, core = time.monotonic(), CoreSummary(), load_board(board).core
    golden = list(golden_of(tasks))
    for first in range(0, len(golden), BATCH):
        run_batch(golden[first : first + BATCH], core, summary)
    print(f"{summary.equal} equal, {len(summary.different)} different, {summary.unfit} unfit on")
    print(f"{board} in {time.monotonic() - started:.0f} s; ways:")
    for way, count in summary.ways.most_common():
        print(f"  {count:5d}  {way}")
    for name in summary.different:
        print(f"{name}: different")
    return 1 if summary.different else 0


def _show(summary: Summary, count: int, wall_s: float) -> None:
    print(f"\n{count} models in {wall_s:.0f} s")
    for outcome, number in summary.outcomes.most_common():
        print(f"  {number:5d}  {outcome}")
        for reason, times in summary.reasons.get(outcome, Counter()).most_common():
            print(f"         {times:4d} x {_line(reason)}")
    print("ops in models with equal outputs:")
    names = [f"{kind} {number}" for kind, number in sorted(summary.ops.items())]
    for start in range(0, len(names), 5):
        print("  " + ", ".join(names[start : start + 5]))


def _line(reason: str) -> str:
    """A reason that fits a line; a compiler says the important thing where it says "error"."""
    lines = reason.splitlines() or [""]
    return next((line.strip() for line in lines if "error:" in line), lines[0])[:160]


def _shrink(task: Task, verdict: Verdict) -> None:
    fails = fails_like(verdict, task.sanitize)
    if task.kind == "keras":
        from tests.random_graphs.convert import tflite_of
        from tests.random_graphs.draw import draw_spec

        data = shrink_spec(draw_spec(task.seed), tflite_of, fails)
    else:
        data = shrink_ops(model_of(task), fails)
    SHRUNK.mkdir(parents=True, exist_ok=True)
    path = SHRUNK / f"{task.kind}_{task.seed}.tflite"
    path.write_bytes(data)
    print(f"{task.kind} {task.seed}: {len(data)} bytes kept as {path.relative_to(ROOT)}")


def _write(path: Path, summary: Summary) -> None:
    record = {
        "outcomes": summary.outcomes,
        "ops": summary.ops,
        "reasons": summary.reasons,
        "bad": [{**asdict(task), **asdict(verdict)} for task, verdict in summary.bad],
    }
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
