# SPDX-License-Identifier: Apache-2.0
"""Random models on every emulated core, bit for bit against TFLM: all kernels for that core.

    python benchmarks/random_on_cores.py --count 300 [--core cortex-m55] [--seed 1]

Each model is lowered for the core with a way drawn at random for every layer, so that every kernel
has its turn; many models make one program. Exits with 1 if any output differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from common import conditions  # noqa: E402

from tests.random_graphs.on_core import CoreSummary, golden_of, run_batch  # noqa: E402
from tests.random_graphs.sweep import Task  # noqa: E402
from tests.support.on_core import CORES  # noqa: E402

KINDS = ("flat", "thin")
RESULT = Path(__file__).parent / "results" / "random_on_cores.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300, help="models per core")
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--batch", type=int, default=12, help="models per program")
    parser.add_argument("--core", action="append", choices=CORES, help="default: all")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.count)
    tasks = [Task(KINDS[seed % len(KINDS)], seed) for seed in seeds]
    golden = list(golden_of(tasks))
    result, wrong = {}, False
    for core in options.core or CORES:
        started, summary = time.monotonic(), CoreSummary()
        for first in range(0, len(golden), options.batch):
            run_batch(golden[first : first + options.batch], core, summary)
        show(core, summary, time.monotonic() - started)
        wrong |= bool(summary.different)
        result[core] = {
            **{"equal": summary.equal, "different": summary.different, "unfit": summary.unfit},
            "ways": dict(summary.ways.most_common()),
        }
    if not options.core:
        text = json.dumps({"conditions": conditions(), "cores": result}, indent=1)
        RESULT.write_text(text + "\n")
    return int(wrong)


def show(core: str, summary: CoreSummary, wall_s: float) -> None:
    ways = ", ".join(f"{way} {count}" for way, count in summary.ways.most_common())
    print(
        f"{core}: {summary.equal} equal, {len(summary.different)} different, {summary.unfit} unfit"
        f" in {wall_s:.0f} s; {ways}",
        flush=True,
    )
    for name in summary.different:
        print(f"  {core} {name}: DIFFERENT", flush=True)


if __name__ == "__main__":
    sys.exit(main())
