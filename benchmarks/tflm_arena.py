# SPDX-License-Identifier: Apache-2.0
"""TFLite Micro's arena: planned, against what devices and TFLM's interpreter on this host take.

    python benchmarks/tflm_arena.py                       # every row of ../shared/reference
    python benchmarks/tflm_arena.py --random 300 --seed 1 # random graphs on this host's interpreter

The first prints a table: planned bytes, the measured smallest arena (or, where that was not
measured, the bytes used), the difference, and what the arena holds. It exits with 1 where the
plan is below, or more than 5 % and 512 bytes above. The second compares bytes used and the
smallest arena accepted, with the struct sizes of the Python package, and names models that differ.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.tflm_arena import Measured, compare_arenas, measured_rows  # noqa: E402

BATCH = 50


def main() -> int:
    options = _options()
    if options.random:
        return _random(options.kind, range(options.seed, options.seed + options.random))
    rows = list(measured_rows(Path(options.shared)))
    print(f"{'core':7}{'kernels':10}{'model':24}{'planned':>9}{'measured':>10}{'above':>7}  used")
    for row in rows:
        print(_line(row))
    wrong = [row for row in rows if not row.holds]
    exact = sum(row.plan.used_bytes == row.used for row in rows)
    print(f"{len(rows)} rows, {len(wrong)} outside the bar; bytes used exact in {exact}")
    return 1 if wrong else 0


def _line(row: Measured) -> str:
    what = "smallest" if row.least else "used"
    used = row.plan.used_bytes - row.used
    return (
        f"{row.core:7}{row.kernels:10}{row.model:24}{row.plan.arena_bytes:>9,}{row.bar:>10,}"
        f"{row.above:>+7} {what:9}{row.plan.used_bytes:>9,} ({used:+}), {row.plan.limited_by}"
    )


def _random(kind: str, seeds: range) -> int:
    from tests.random_graphs.sweep import Task, model_of

    ops: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for start in range(0, len(seeds), BATCH):
        models = {}
        for seed in seeds[start : start + BATCH]:
            try:
                models[seed] = model_of(Task(kind, seed))
            except Exception:  # Keras and the converter raise whatever they like
                outcomes["not converted"] += 1
        for one in compare_arenas(list(models.values())):
            outcomes["equal" if one.right else "DIFFERENT"] += 1
            ops.update(one.ops)
            if not one.right:
                print(one)
    print(dict(outcomes), dict(ops.most_common()))
    return 1 if outcomes["DIFFERENT"] else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("EDGEKIT_SHARED", ROOT.parent / "shared")
    parser.add_argument("--shared", default=default, help="folder with models/ and reference/")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="N random graphs")
    parser.add_argument("--kind", choices=("flat", "keras"), default="flat")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
