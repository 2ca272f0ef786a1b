# SPDX-License-Identifier: Apache-2.0
"""Every board with a chip port: what its firmware takes, and on the emulated ones a whole deploy.

Each board gets the demo's digits model, or where that does not fit one of two small dense layers;
with `--largest` the largest (bytes of the .tflite) of MLPerf Tiny's four models and the digits that
its flash and RAM hold. Emulated boards are deployed to: converted, built, run, every output
compared; the others are built against the part's real memory map. Sizes are of the whole firmware;
instructions are the median of one inference, counted by the emulator. Fails where an output
differs from TFLite Micro's or nothing fits.

    python benchmarks/port_sizes.py [--samples 20] [--model digits.tflite] [--board B ...]
    python benchmarks/port_sizes.py --largest --samples 3 [--write]

`--write` keeps the rows in benchmarks/results, port_sizes.json or port_sizes_largest.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import MLPERF_TINY, ROOT, conditions, mlperf_model, table

import edgekit
from edgekit.errors import LimitBroken

sys.path.insert(0, str(ROOT))

HEAD = ("board", "core", "model", "flash", "of", "RAM", "of", "bit-exact", "median", "unit")


def digits(folder: Path) -> Path:
    """The demo's model: trained, pruned and quantized on this computer."""
    return edgekit.demo(out=folder / "demo", board="native", eval_samples=10).convert.tflite


def dense(folder: Path) -> Path:
    from tests.support.small_models import dense_model

    return dense_model(folder / "dense.tflite")


def fitting(board: Any, models: list[Path], folder: Path, samples: int) -> dict[str, Any]:
    """The row of the first of `models` that fits `board`."""
    for model in models:
        verdict = edgekit.inspect(model, board=board.id).board
        if verdict is not None and not verdict.fits:
            continue
        try:
            return row(board, model, folder / f"{board.id}-{model.stem}", samples)
        except LimitBroken as broken:
            print(f"{board.id}: {model.stem}: {broken}", file=sys.stderr)
    raise LimitBroken(f"no model fits {board.id}")


def row(board: Any, model: Path, folder: Path, samples: int) -> dict[str, Any]:
    """What `model` takes on `board` and, where that is emulated, what it does there."""
    bench = None
    if board.emulator is None:
        edgekit.firmware(model, board=board.id, out=folder)
        built = edgekit.build(folder)
    else:
        deployed = edgekit.deploy(model, board=board.id, out=folder, eval_samples=samples)
        built, bench = deployed.build, deployed.bench
    return {
        "board": board.id,
        "core": board.core,
        "model": model.stem,
        "flash_bytes": built.flash_bytes,
        "flash_limit_bytes": board.memory.flash_bytes,
        "ram_bytes": built.ram_bytes,
        "ram_limit_bytes": board.memory.ram_bytes,
        "samples": bench.samples if bench else 0,
        "bit_exact": bench.bit_exact if bench else None,
        "median": bench.latency.median if bench else None,
        "unit": bench.latency.unit if bench else "",
    }


def cells(found: dict[str, Any]) -> list[Any]:
    sizes = [found[key] for key in list(found)[:7]]
    if found["bit_exact"] is None:
        return [*sizes, "only built", "-", ""]
    exact = f"{found['bit_exact']}/{found['samples']}"
    return [*sizes, exact, f"{found['median']:,.0f}", found["unit"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--board", nargs="*")
    parser.add_argument("--largest", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    boards = [each for each in edgekit.boards() if each.buildable]
    wanted = [each for each in boards if not options.board or each.id in options.board]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = [options.model or digits(folder), dense(folder)]
        if options.largest:
            big = [mlperf_model(name) for name in MLPERF_TINY]
            models = sorted(big, key=lambda path: path.stat().st_size, reverse=True) + models
        for board in wanted:
            rows.append(fitting(board, models, folder, options.samples))
            print(*cells(rows[-1]), file=sys.stderr)
    head = f"{conditions()}; {options.samples} generated inputs"
    print(head, table(HEAD, [cells(found) for found in rows]), sep="\n")
    if options.write:
        file = f"port_sizes{'_largest' if options.largest else ''}.json"
        body = json.dumps({"conditions": head, "rows": rows}, indent=1)
        (ROOT / "benchmarks" / "results" / file).write_text(body + "\n")
    return 0 if all(found["bit_exact"] in (None, found["samples"]) for found in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
