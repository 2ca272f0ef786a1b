# SPDX-License-Identifier: Apache-2.0
"""The demo's digits model built for every board with a chip port, and run on those that QEMU has.

A board that it does not fit gets a model of two small dense layers. With `--largest` each board
gets the largest of MLPerf Tiny's four models and the digits that it holds. Sizes are of the whole
firmware; instructions are the median of one inference, counted by the emulator. Fails where an
output differs from TFLite Micro's or a board does not build.

    python benchmarks/port_sizes.py [--samples 20] [--model digits.tflite] [--board B ...]
    python benchmarks/port_sizes.py --largest --samples 3 --board qemu-microbit ...
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import MLPERF_TINY, ROOT, conditions, mlperf_model, table

import edgekit
from edgekit.errors import LimitBroken

sys.path.insert(0, str(ROOT))


def digits(folder: Path) -> Path:
    """The demo's model: trained, pruned and quantized on this computer."""
    return edgekit.demo(out=folder / "demo", board="native", eval_samples=10).convert.tflite


def dense(folder: Path) -> Path:
    from tests.support.small_models import dense_model

    return dense_model(folder / "dense.tflite")


def build(board: Any, models: list[Path], folder: Path) -> tuple[Path, Path, Any]:
    """The first of `models` that fits `board`: itself, its project and the build's record."""
    for model in models:
        verdict = edgekit.inspect(model, board=board.id).board
        if verdict is not None and not verdict.fits:
            continue
        project = folder / f"{board.id}-{model.stem}"
        edgekit.firmware(model, board=board.id, out=project)
        try:
            return model, project, edgekit.build(project)
        except LimitBroken as broken:
            print(f"{board.id}: {model.stem}: {broken}", file=sys.stderr)
    raise LimitBroken(f"no model fits {board.id}")


def measure(board: Any, project: Path, samples: int) -> tuple[str, str, bool]:
    """Bit-exact samples, median instructions, and whether all is well."""
    if board.emulator is None:
        return "not run: no hardware here", "-", True
    bench = edgekit.bench(project, eval_samples=samples, profile=False)
    unit = f"{bench.latency.median:,.0f} {bench.latency.unit}"
    return f"{bench.bit_exact}/{bench.samples}", unit, bench.bit_exact == bench.samples


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--board", nargs="*")
    parser.add_argument("--largest", action="store_true")
    options = parser.parse_args()
    boards = [each for each in edgekit.boards() if each.buildable]
    wanted = [each for each in boards if not options.board or each.id in options.board]
    rows, good = [], True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = [options.model or digits(folder), dense(folder)]
        if options.largest:
            big = [mlperf_model(name) for name in MLPERF_TINY]
            models = sorted(big, key=lambda path: path.stat().st_size, reverse=True) + models
        for board in wanted:
            model, project, built = build(board, models, folder)
            exact, median, fine = measure(board, project, options.samples)
            good = good and fine
            sizes = (built.flash_bytes, board.memory.flash_bytes)
            rams = (built.ram_bytes, board.memory.ram_bytes)
            row = (board.id, board.core, model.stem, *sizes, *rams, exact, median)
            rows.append(row)
            print(*row, file=sys.stderr)
    print(conditions(), f"{options.samples} generated inputs", sep="; ")
    head = ("board", "core", "model", "flash", "of", "RAM", "of", "bit-exact", "median")
    print(table(head, rows))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
