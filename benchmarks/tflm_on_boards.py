# SPDX-License-Identifier: Apache-2.0
"""MLPerf Tiny models under TFLite Micro on an emulated board, next to the aot runtime.

TFLM_DIR=FOLDER python benchmarks/tflm_on_boards.py [--samples 5] [--board B]

Every sample is compared byte for byte with the tflite-micro wheel. The library is the one in
TFLM_DIR that fits the board.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from common import MLPERF_TINY, conditions, mlperf_model, table

import edgekit

HEAD = ("model", "runtime", "kernels", "bit-exact", "instructions", "flash", "arena", "used")


def measure(name: str, runtime: str, board: str, samples: int) -> tuple[object, ...]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "fw"
        edgekit.firmware(mlperf_model(name), board=board, runtime=runtime, out=out)
        built = edgekit.build(out)
        record = edgekit.bench(out, eval_samples=samples, profile=False)
    memory = record.memory
    what = f"{runtime} {built.tflm.version}" if built.tflm else runtime
    exact = f"{record.bit_exact}/{record.samples}"
    latency = round(record.latency.median)
    row = (record.kernels, exact, latency, built.flash_bytes, memory.arena_bytes)
    return (name, what, *row, memory.arena_used_bytes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--board", default="qemu-mps2-an386")
    options = parser.parse_args()
    rows = []
    for name in MLPERF_TINY:
        for runtime in ("tflm", "aot"):
            rows.append(measure(name, runtime, options.board, options.samples))
            print(*rows[-1], file=sys.stderr)
    print(conditions(), options.board, f"{options.samples} generated inputs a row", sep="; ")
    print(table(HEAD, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
