# SPDX-License-Identifier: Apache-2.0
"""What ranges and checks cost: time, and memory over the number of samples.

    python benchmarks/quant_speed.py            # all, into results/quant_speed.json
    python benchmarks/quant_speed.py --checks   # the checks alone; the rest of the file stays

The model is resnet8_cifar_jpeg.keras. Times are of one conversion with 200 samples (tracing,
calibration, quantizing), the methods in turn, the fastest of several rounds; processor seconds
beside wall seconds, since a busy machine stretches the latter. Memory is the peak of a process of
its own per number of samples, that reads them from a function as they are needed. Checks are all
that `convert` does after quantizing: 32 samples through TFLite Micro's interpreter with every
tensor looked at, and the checks themselves, on each model's own kind of inputs.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, conditions, shared_folder, table

RESULTS = ROOT / "benchmarks" / "results" / "quant_speed.json"
METHODS = ("converter", "minmax", "percentile", "mse", "kl")
SAMPLES = 200
MEMORY_SAMPLES = (100, 1000, 4000)
MODELS = (
    "resnet8_cifar_jpeg.keras",
    "mlperf_tiny/kws.h5",
    "mlperf_tiny/vww_96.h5",
    "mlperf_tiny/ad01.h5",
)
BAR = 3.0  # times the plain converter


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak", type=int, help="print this process's peak for so many samples")
    parser.add_argument("--checks", action="store_true", help="measure the checks alone")
    options = parser.parse_args()
    if options.peak:
        print(peak_bytes(options.peak))
        return
    if options.checks:
        old = json.loads(RESULTS.read_text())
        found = old | {"checks": {"conditions": conditions(), "models": checks(options.rounds)}}
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        show_checks(found)
        return
    found = {
        "conditions": conditions(),
        "samples": SAMPLES,
        "times": times(options.rounds),
        "peak_bytes": {str(n): _in_process(n) for n in MEMORY_SAMPLES},
        "checks": {"conditions": conditions(), "models": checks(options.rounds)},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    show(found)
    show_checks(found)


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


def checks(rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of the checks after a conversion, the fastest of several rounds."""
    from edgekit.progress import SILENT
    from edgekit.verbs._conversion import Options, from_keras
    from edgekit.verbs._hosted import host_runtimes

    found = {}
    for file in MODELS:
        path = shared_folder() / "models" / file
        done = from_keras(path, _inputs(path), Options(), SILENT)
        hosted = host_runtimes(done, "model", None, SILENT)
        best: dict[str, float] = {}
        for _ in range(rounds):
            wall, busy = time.perf_counter(), time.process_time()
            done.compare(hosted, SILENT)
            row = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - busy}
            best = {key: round(min(row[key], best.get(key, row[key])), 3) for key in row}
        found[Path(file).stem] = best
    return found


def _inputs(path: Path) -> np.ndarray:
    from edgekit.model.load import load_model

    shape = (SAMPLES, *load_model(path).inputs[0].shape)
    rng = np.random.default_rng(0)
    if shape[-1] != 3:
        return rng.normal(0, 1, shape).astype(np.float32)
    pixels = rng.integers(0, 256, shape).astype(np.float32)
    return pixels / 255 if "vww" in path.name else pixels


def show_checks(found: dict[str, Any]) -> None:
    rows = [
        [name, f"{row['wall_s']:.2f}", f"{row['cpu_s']:.2f}"]
        for name, row in found["checks"]["models"].items()
    ]
    print(table(["model, checks after conversion", "wall s", "CPU s"], rows))


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
