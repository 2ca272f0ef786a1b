# SPDX-License-Identifier: Apache-2.0
"""ResNet8 on JPEG-decoded CIFAR-10: accuracy of float, int8 and device, outputs byte for byte.

Every one of the 1,500 test images goes through the float model, the int8 model on the host and
the firmware on the emulated Cortex-M4. Fails where int8 is more than 0.8 points below float or
an output differs.

    python benchmarks/cifar_on_device.py [--samples 1500] [--board qemu-mps2-an386]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from common import conditions, shared_folder, table

import edgekit

MOST_POINTS_LOST = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1500)
    parser.add_argument("--board", default="qemu-mps2-an386")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = edgekit.deploy(
            shared_folder() / "models" / "resnet8_cifar_jpeg.keras",
            shared_folder() / "data" / "cifar10_subset.npz",
            board=options.board,
            out=Path(folder) / "cifar",
            eval_samples=options.samples,
        )
    bench, accuracy = record.bench, record.convert.accuracy
    lost = 100 * (accuracy["float"] - accuracy["int8"])
    print(conditions(), f"{options.board}, {bench.samples} test images", sep="; ")
    row = (
        f"{accuracy['float']:.2%}",
        f"{accuracy['int8']:.2%}",
        f"{bench.accuracy:.2%}",
        f"{bench.bit_exact}/{bench.samples}",
        round(bench.latency.median),
        bench.memory.arena_bytes,
        record.build.flash_bytes,
    )
    head = ("float", "int8, host", "int8, device", "bit-exact", "instructions", "arena", "flash")
    print(table(head, [row]))
    return int(lost > MOST_POINTS_LOST or bench.bit_exact != options.samples)


if __name__ == "__main__":
    sys.exit(main())
