# SPDX-License-Identifier: Apache-2.0
"""Every real model on every board without hardware: outputs byte for byte those of TFLM?

python benchmarks/models_on_boards.py [--samples 20] [--board B ...] [--model M ...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from common import BOARDS, conditions, shared_folder, table

import edgekit


def models() -> dict[str, Path]:
    folder = shared_folder() / "models"
    found = sorted((folder / "mlperf_tiny").iterdir())
    return {path.name: path for path in [*found, folder / "resnet8_cifar_jpeg.keras"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--board", nargs="*", default=list(BOARDS))
    parser.add_argument("--model", nargs="*", default=list(models()))
    options = parser.parse_args()
    rows, failed = [], False
    for name in options.model:
        row = [name]
        with tempfile.TemporaryDirectory() as folder:
            model = edgekit.convert(models()[name], out=Path(folder) / "convert").tflite
            for board in options.board:
                record = edgekit.deploy(
                    model, board=board, out=Path(folder) / board, eval_samples=options.samples
                )
                row.append(f"{record.bench.bit_exact}/{record.bench.samples}")
                failed |= record.bench.bit_exact != options.samples
        rows.append(row)
        print(name, *row[1:], file=sys.stderr)
    print(conditions(), f"{options.samples} generated inputs a cell", sep="; ")
    print(table(("bit-exact with TFLM", *options.board), rows))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
