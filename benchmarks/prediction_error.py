# SPDX-License-Identifier: Apache-2.0
"""Predicted against counted instructions of each layer, MLPerf Tiny on every emulated core.

The prediction is what `edgekit inspect --board B` shows before anything is built; the count is what
QEMU executed, layer by layer, in the firmware of that board (`edgekit bench`). The costs of the
ways were counted in their loops, not fitted to these models; prediction_shapes.py holds every way
against layers of other shapes.

    python benchmarks/prediction_error.py [--board qemu-mps2-an386] [--optimize balanced]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import MLPERF_TINY, conditions, mlperf_model, table

import edgekit
from edgekit.artifacts import plain
from edgekit.measure.prediction import prediction_error

RESULTS = Path(__file__).parent / "results" / "prediction_error.json"
BOARDS = (
    "qemu-mps2-an386",
    "qemu-mps3-an547",
    "qemu-mps2-an385",
    "qemu-mps2-an385-m0plus",
    "qemu-virt-rv32",
)
HEAD = ("model", "op", "layer", "way", "predicted", "counted", "error", "share")
WAYS = ("way", "layers", "share", "median error", "error of the sum")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", action="append", choices=BOARDS, help="default: all")
    parser.add_argument("--optimize", default="balanced", choices=("speed", "balanced", "size"))
    parser.add_argument("--model", action="append", choices=MLPERF_TINY, help="default: all")
    parser.add_argument("--samples", type=int, default=2)
    options = parser.parse_args()
    models = options.model or list(MLPERF_TINY)
    print(conditions(), options.optimize, sep="; ")
    boards: dict[str, Any] = {}
    wrong = 0
    for board in options.board or BOARDS:
        benches = {name: measure(name, board, options.optimize, options.samples) for name in models}
        wrong += sum(bench["bit_exact"] != bench["samples"] for bench in benches.values())
        boards[board] = told(benches)
        show(board, boards[board])
    if not (options.model or options.board):
        body = {"conditions": conditions(), "optimize": options.optimize, "boards": boards}
        RESULTS.write_text(json.dumps(body, indent=1) + "\n")
    return int(wrong > 0)


def told(benches: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Errors over all layers and by model, and the layers."""
    rows = [row for bench in benches.values() for row in bench["layers"]]
    return {
        "all": plain(prediction_error(rows)),
        "models": {name: plain(bench["prediction"]) for name, bench in benches.items()},
        "layers": {name: kept(bench["layers"]) for name, bench in benches.items()},
    }


def show(board: str, found: dict[str, Any]) -> None:
    layers = found["layers"]
    rows = model_rows({**found["models"], "all": found["all"]})
    print(f"\n## {board}\n")
    print(table(HEAD, [row for name in layers for row in layer_rows(name, layers[name])]), "\n")
    print(table(("model", "layers", *WAYS[3:], "cycles", "worst layer"), rows), "\n")
    print(table(WAYS, way_rows(found["all"])), flush=True)


def measure(name: str, board: str, optimize: str, samples: int) -> dict[str, Any]:
    """The bench record of a model, as a dict."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "fw"
        edgekit.firmware(mlperf_model(name), board=board, optimize=optimize, out=project)
        edgekit.build(project)
        record = edgekit.bench(project, eval_samples=samples)
        print(f"{name}: {record.latency.median:,} {record.latency.unit}", file=sys.stderr)
        body: dict[str, Any] = plain(record)
        return body


def kept(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = ("index", "op", "layer", "way", "predicted_instructions", "instructions")
    keys += ("prediction_error", "predicted_cycles", "cycles", "share")
    return [{key: row.get(key) for key in keys} for row in rows]


def layer_rows(name: str, rows: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (
            *(name, row["op"], row["layer"][:28], row["way"]),
            *(row["predicted_instructions"], row["instructions"]),
            "" if row["prediction_error"] is None else f"{row['prediction_error']:+.1%}",
            f"{row['share']:.1%}",
        )
        for row in rows
    ]


def model_rows(found: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (
            *(name, each["layers"], f"{each['median_error']:.1%}", f"{each['total_error']:+.1%}"),
            "" if each["cycles_error"] is None else f"{each['cycles_error']:+.1%}",
            f"{each['worst']['error']:+.0%} {each['worst']['op']}, {each['worst']['way']}",
        )
        for name, each in found.items()
    ]


def way_rows(everything: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (
            *(way["way"], way["layers"], f"{way['share']:.1%}"),
            *(f"{way['median_error']:.1%}", f"{way['total_error']:+.1%}"),
        )
        for way in everything["ways"]
    ]


if __name__ == "__main__":
    sys.exit(main())
