# SPDX-License-Identifier: Apache-2.0
"""RAM, flash and instructions of the aot firmware beside TFLite Micro's, on an emulated Cortex-M4.

TFLM's figures were measured once: tflite-micro 90b983c (2026-08-20) with CMSIS-NN 4ab83cc and with
its reference kernels, arm-none-eabi-gcc 12.2.1, release build, -mcpu=cortex-m4 hard float, ops of
the model only. `arena` is arena_used_bytes() on the device, `flash` the whole program with the
model (CMSIS-NN: the int8-only registrations), `instructions` one Invoke() counted by QEMU's icount.

    python benchmarks/footprint.py [--samples 5]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from common import MLPERF_TINY, conditions, mlperf_model, table

import edgekit

BOARD = "qemu-mps2-an386"
# model: (arena, flash, instructions) with CMSIS-NN, then with the reference kernels
TFLM = {
    "ad01": ((2_580, 304_596, 582_972), (2_260, 296_788, 1_952_483)),
    "kws": ((22_820, 108_060, 7_697_870), (22_772, 95_988, 43_040_118)),
    "resnet8": ((54_996, 150_424, 29_864_121), (54_340, 144_960, 107_401_505)),
    "vww96": ((100_708, 387_412, 24_101_938), (100_660, 375_340, 100_249_506)),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=5)
    samples = parser.parse_args().samples
    rows, failed = [], False
    for name in MLPERF_TINY:
        with tempfile.TemporaryDirectory() as folder:
            record = edgekit.deploy(
                mlperf_model(name), board=BOARD, out=Path(folder) / name, eval_samples=samples
            )
        bench, build = record.bench, record.build
        cmsis, reference = TFLM[name]
        arena = bench.memory.arena_bytes
        failed |= arena >= min(cmsis[0], reference[0]) or bench.bit_exact != bench.samples
        median = round(bench.latency.median)
        rows += [
            (name, "edgekit aot", arena, build.flash_bytes, median, f"{bench.bit_exact}/{samples}"),
            ("", "TFLM, CMSIS-NN", *cmsis, ""),
            ("", "TFLM, reference", *reference, ""),
        ]
    print(conditions(), f"{BOARD}, {samples} generated inputs", sep="; ")
    print(table(("model", "runtime", "arena", "flash", "instructions", "bit-exact"), rows))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
