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
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from common import conditions, table  # noqa: E402

from edgekit.link.cycles import MODELS as TIMED  # noqa: E402
from edgekit.lower.build import lower_graph  # noqa: E402
from edgekit.lower.program import Target  # noqa: E402
from edgekit.lower.ways import ways_of  # noqa: E402
from edgekit.lower.ways.timing import call_cycles  # noqa: E402
from edgekit.tflite.reader import read_graph  # noqa: E402
from tests.support.core_cycles import core_cycles  # noqa: E402
from tests.support.core_models import run_model  # noqa: E402
from tests.support.layer_shapes import FAMILIES  # noqa: E402
from tests.support.on_core import CORES, core_board  # noqa: E402
from tests.support.way_models import only  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "prediction_shapes.json"


@dataclass(frozen=True, slots=True)
class Found:
    """One layer run one way; cycles are None where no timings are known."""

    way: str
    shape: str
    predicted: float
    counted: int
    predicted_cycles: float | None
    cycles: int | None

    @property
    def error(self) -> float:
        return self.predicted / self.counted - 1


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


def measure(family: str, core: str, dice: random.Random, count: int) -> Iterator[Found]:
    """Every layer of a family in every way that can run it."""
    data, shapes = FAMILIES[family](dice, count)
    target = Target(core=core, optimize="speed")
    graph = read_graph(data)
    fitting = [[way.name for way in ways_of(op, graph, target)] for op in graph.ops]
    for name in sorted({way for some in fitting for way in some}):
        with (
            patch("edgekit.lower.build.choose_ways", only(name)),
            patch("edgekit.lower.build.run_passes", lambda graph, target: graph),
        ):
            program = lower_graph(graph, target)
        board = core_board(core)
        with tempfile.TemporaryDirectory() as folder:
            run = run_model(program, Path(folder), board)
            timed = core_cycles(Path(folder) / "program.elf", board).ops if core in TIMED else ()
        for i, op in enumerate(program.graph.ops):
            call = program.calls[i]
            if call.way == name:
                shape = shapes[graph.output_of(op).name]
                cycles = timed[i].cycles if timed else None
                told = call_cycles(call, core)
                yield Found(name, shape, call.instructions, run.ops[i], told, cycles)


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
