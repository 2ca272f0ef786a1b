# SPDX-License-Identifier: Apache-2.0
"""What ranges cost: time beside the plain converter, and memory over the number of samples.

    python benchmarks/quant_speed.py            # both, into results/quant_speed.json

The model is resnet8_cifar_jpeg.keras. Times are of one conversion with 200 samples (tracing,
calibration, quantizing), the methods in turn, the fastest of several rounds; processor seconds
beside wall seconds, since a busy machine stretches the latter. Memory is the peak of a process of
its own per number of samples, that reads them from a function as they are needed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
from common import ROOT, conditions, shared_folder, table

RESULTS = ROOT / "benchmarks" / "results" / "quant_speed.json"
METHODS = ("converter", "minmax", "percentile", "mse", "kl")
SAMPLES = 200
MEMORY_SAMPLES = (100, 1000, 4000)
BAR = 3.0  # times the plain converter


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak", type=int, help="print this process's peak for so many samples")
    options = parser.parse_args()
    if options.peak:
        print(peak_bytes(options.peak))
        return
    found = {
        "conditions": conditions(),
        "samples": SAMPLES,
        "times": times(options.rounds),
        "peak_bytes": {str(n): _in_process(n) for n in MEMORY_SAMPLES},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    show(found)


def times(rounds: int) -> dict[str, dict[str, float]]:
    from edgekit.quantize.convert import convert_int8

    loaded = _loaded()
    x = _images(np.arange(SAMPLES))
    convert_int8(loaded, loaded.inputs, [x[:5]], method="converter")  # imports, first traces
    best: dict[str, dict[str, float]] = {}
    for _ in range(rounds):
        for method in METHODS:
            wall, busy = time.perf_counter(), time.process_time()
            convert_int8(loaded, loaded.inputs, [x], method=method)
            row = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - busy}
            old = best.get(method, row)
            best[method] = {key: round(min(old[key], row[key]), 3) for key in row}
    return best


def peak_bytes(samples: int) -> int:
    """Peak resident memory of a conversion that reads its samples as it goes."""
    from edgekit.model.dataset import Dataset, LazyArray, Split
    from edgekit.quantize.convert import convert_int8
    from edgekit.verbs._calibration import calibration_set

    loaded = _loaded()
    chosen = calibration_set(Dataset(Split([LazyArray(samples, _images)])), samples, 0)
    convert_int8(loaded, loaded.inputs, chosen.split.x)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _in_process(samples: int) -> int:
    command = [sys.executable, __file__, "--peak", str(samples)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _images(indices: np.ndarray) -> np.ndarray:
    """The images of these numbers, the same at every call."""
    return np.stack(
        [np.random.default_rng(int(i)).integers(0, 256, (32, 32, 3)) for i in indices]
    ).astype(np.float32)


def _loaded() -> Any:
    from edgekit.model.load import load_model

    return load_model(shared_folder() / "models" / "resnet8_cifar_jpeg.keras")


def show(found: dict[str, Any]) -> None:
    plain = found["times"]["converter"]
    rows = [
        [
            method,
            f"{row['wall_s']:.2f}",
            f"{row['cpu_s']:.2f}",
            f"{row['cpu_s'] / plain['cpu_s']:.2f}",
        ]
        for method, row in found["times"].items()
    ]
    print(table(["ranges", "wall s", "CPU s", "of converter (CPU)"], rows))
    peaks = [[int(n), f"{peak / 2**20:.0f} MiB"] for n, peak in found["peak_bytes"].items()]
    print(table(["samples", "peak memory"], peaks))


if __name__ == "__main__":
    main()
