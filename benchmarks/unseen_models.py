# SPDX-License-Identifier: Apache-2.0
"""Models that no kernel was made for: edgekit beside TFLite Micro with CMSIS-NN, bit for bit.

    python benchmarks/unseen_models.py [--model tcn]        # with TFLite Micro as measured before
    TFLM_DIR=FOLDER python benchmarks/unseen_models.py      # its library for this core, once more

Nine common shapes of network with random weights and batch norms away from identity, for what
neither accuracy nor data matter. One inference on the emulated Cortex-M4; exits with 1 where an
output differs from the interpreter's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import conditions, table
from unseen_networks import NETWORKS

import edgekit

BOARD = "qemu-mps2-an386"
RESULT = Path(__file__).parent / "results" / "unseen_models.json"
SAMPLES = 2
HEAD = ("model", "runtime", "instructions", "x fewer", "arena", "x", "flash", "x", "exact")


@dataclass(frozen=True, slots=True)
class Row:
    """One inference: counted instructions, bytes of the arena and of the model's own flash."""

    runtime: str
    instructions: int
    arena_bytes: int
    flash_bytes: int
    exact: bool


def converted(name: str, folder: Path) -> Path:
    """The network as an int8 .tflite file."""
    import keras

    keras.utils.set_random_seed(1)
    model = NETWORKS[name]()
    dice = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            scale, shift, mean, variance = layer.get_weights()
            fresh = dice.uniform(0.5, 1.5, scale.shape), dice.normal(0, 0.2, shift.shape)
            layer.set_weights([*fresh, mean, variance])
    x = dice.normal(0, 1, (100, *model.input_shape[1:])).astype(np.float32)
    model.save(folder / f"{name}.keras")
    edgekit.convert(
        folder / f"{name}.keras", {"x_train": x, "x_test": x[:10]}, out=folder / name, samples=50
    )
    return folder / name / f"{name}.tflite"


def measured(tflite: Path, runtime: str, optimize: str) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "fw"
        edgekit.firmware(tflite, board=BOARD, runtime=runtime, optimize=optimize, out=out)
        built = edgekit.build(out)
        record = edgekit.bench(out, eval_samples=SAMPLES, profile=False)
    exact = record.bit_exact == record.samples == SAMPLES
    instructions = round(record.latency.median)
    arena_bytes = record.memory.arena_bytes
    name = optimize if runtime == "aot" else runtime
    return Row(name, instructions, arena_bytes, built.model_flash_bytes, exact)


def rows_of(name: str, before: list[dict[str, Any]]) -> list[Row]:
    """TFLite Micro's row, measured where its library is given, and edgekit's."""
    with tempfile.TemporaryDirectory() as folder:
        tflite = converted(name, Path(folder))
        peers = [Row(**row) for row in before if row["runtime"] == "tflm"]
        if os.environ.get("TFLM_DIR"):
            peers = [measured(tflite, "tflm", "balanced")]
        return peers + [measured(tflite, "aot", goal) for goal in ("speed", "balanced", "size")]


def shown(name: str, rows: list[Row]) -> list[tuple[object, ...]]:
    peer = next((row for row in rows if row.runtime == "tflm"), None)
    cells = []
    for row in rows:
        cell: list[object] = [name, row.runtime]
        for field in ("instructions", "arena_bytes", "flash_bytes"):
            own = getattr(row, field)
            factor = f"{getattr(peer, field) / own:.2f}" if peer and row is not peer else ""
            cell += [f"{own:,}", factor]
        cells.append((*cell, "yes" if row.exact else "NO"))
        name = ""
    return cells


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", choices=list(NETWORKS), help="default: all")
    options = parser.parse_args()
    held = json.loads(RESULT.read_text()) if RESULT.exists() else {"models": {}}
    cells, right = [], True
    for name in options.model or NETWORKS:
        rows = rows_of(name, held["models"].get(name, []))
        held["models"][name] = [asdict(row) for row in rows]
        right &= all(row.exact for row in rows)
        cells += shown(name, rows)
        print(*cells[-2], file=sys.stderr)
    if not options.model:
        held["conditions"] = conditions()
        RESULT.write_text(json.dumps(held, indent=1) + "\n")
    print(conditions())
    print(table(HEAD, cells))
    return int(not right)


if __name__ == "__main__":
    sys.exit(main())
