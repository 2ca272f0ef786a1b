# SPDX-License-Identifier: Apache-2.0
"""Predicted against counted instructions of every way, on layers of random shapes, on every core.

    python benchmarks/prediction_shapes.py [--core cortex-m4] [--seed 1] [--layers]

MLPerf Tiny has few shapes; the cost models are held against others here. Layers are drawn by seed,
each way that fits a layer runs it on the emulated core, and what QEMU counts is compared with what
the choice was made by. For cores whose timings Arm publishes, estimated cycles likewise.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from common import conditions, table  # noqa: E402

from tests.support.layer_shapes import FAMILIES  # noqa: E402
from tests.support.on_core import CORES  # noqa: E402
from tests.support.predictions import Found, measure  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "prediction_shapes.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", action="append", choices=CORES, help="default: all")
    parser.add_argument("--family", action="append", choices=FAMILIES, help="default: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10, help="layers of each family")
    parser.add_argument("--layers", action="store_true", help="print every layer")
    options = parser.parse_args()
    result: dict[str, Any] = {}
    for core in options.core or CORES:
        rows: list[Found] = []
        for family in options.family or FAMILIES:
            rows += measure(family, core, random.Random(options.seed), options.count)
        if options.layers:
            print(table(("way", "shape", "predicted", "counted", "error"), _layers(rows)), "\n")
        print(core, table(HEAD, [tuple(row.values()) for row in summary(rows)]), "", sep="\n")
        result[core] = summary(rows)
    if not (options.core or options.family):
        body = {"conditions": conditions(), "seed": options.seed, "cores": result}
        RESULTS.write_text(json.dumps(body, indent=1) + "\n")
    return 0


HEAD = ("way", "layers", "median error", "of the sum", "worst", "its shape", "cycles, median")


def summary(rows: list[Found]) -> list[dict[str, Any]]:
    """A row for each way, and one for all."""
    names = sorted({row.way for row in rows})
    return [_summed(name, [row for row in rows if row.way == name]) for name in names] + [
        _summed("all", rows)
    ]


def _summed(name: str, rows: list[Found]) -> dict[str, Any]:
    worst = max(rows, key=lambda row: abs(row.error))
    total = sum(row.predicted for row in rows) / sum(row.counted for row in rows) - 1
    cycles = [
        abs(row.predicted_cycles / row.cycles - 1)
        for row in rows
        if row.predicted_cycles and row.cycles
    ]
    return {
        "way": name,
        "layers": len(rows),
        "median_error": f"{statistics.median(abs(row.error) for row in rows):.1%}",
        "total_error": f"{total:+.1%}",
        "worst_error": f"{worst.error:+.1%}",
        "worst": worst.shape,
        "cycles_median_error": f"{statistics.median(cycles):.1%}" if cycles else "",
    }


def _layers(rows: list[Found]) -> list[tuple[object, ...]]:
    return [
        (row.way, row.shape, round(row.predicted), row.counted, f"{row.error:+.1%}") for row in rows
    ]


if __name__ == "__main__":
    sys.exit(main())
