# SPDX-License-Identifier: Apache-2.0
"""Wall time of `edgekit convert` beside a bare TFLiteConverter script, as whole processes.

    python benchmarks/convert_time.py [--rounds 7]

Three programs take turns on the same model and calibration data: the bare script; edgekit
without labels (output error on 32 samples); edgekit with labels (and accuracy on 100 more). The
first round warms the disk cache and is not counted. Prints medians and ratios to the bare script.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BARE = """
import sys
import numpy as np
import tensorflow as tf

model = tf.keras.models.load_model(sys.argv[1])
x = np.load(sys.argv[2])["x"].astype(np.float32)

def representative_dataset():
    for i in range(200):
        yield [x[i : i + 1]]

converter = tf.lite.TFLiteConverter.from_keras_model(model)
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = representative_dataset
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
converter.inference_input_type = tf.int8
converter.inference_output_type = tf.int8
open(sys.argv[3], "wb").write(converter.convert())
"""


def shared_folder() -> Path:
    default = Path(__file__).resolve().parents[1].parent / "shared"
    return Path(os.environ.get("EDGEKIT_SHARED", default))


def programs(model: Path, folder: Path, dataset: Path) -> dict[str, list[str]]:
    """Name -> command. The data without labels are 200 samples, those with labels 200 + 100."""
    with np.load(dataset) as file:
        x, y = file["x_train"], file["y_train"]
        np.savez(folder / "unlabelled.npz", x=x[:200])
        np.savez(
            folder / "labelled.npz",
            x_train=x[:200],
            y_train=y[:200],
            x_test=file["x_test"][:100],
            y_test=file["y_test"][:100],
        )
    (folder / "bare.py").write_text(BARE)
    edgekit = [sys.executable, "-m", "edgekit", "convert", str(model), "--force", "-o"]
    return {
        "bare": [
            sys.executable,
            str(folder / "bare.py"),
            str(model),
            str(folder / "unlabelled.npz"),
            str(folder / "bare.tflite"),
        ],
        "edgekit": [*edgekit, str(folder / "a"), "--data", str(folder / "unlabelled.npz")],
        "edgekit, labelled": [*edgekit, str(folder / "b"), "--data", str(folder / "labelled.npz")],
    }


def measure(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    shared = shared_folder()
    model = shared / "models" / "resnet8_cifar_jpeg.keras"
    with tempfile.TemporaryDirectory() as folder:
        commands = programs(model, Path(folder), shared / "data" / "cifar10_subset.npz")
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                seconds = measure(command)
                if turn:
                    times[name].append(seconds)
    bare = statistics.median(times["bare"])
    print(f"{model.name}, 200 calibration samples, {rounds} rounds, {os.cpu_count()} cores")
    for name, values in times.items():
        middle = statistics.median(values)
        print(
            f"{name:18} median {middle:6.2f} s  min {min(values):6.2f}  max {max(values):6.2f}"
            f"  ratio {middle / bare:.2f}"
        )


if __name__ == "__main__":
    main()
