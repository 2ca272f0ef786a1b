# SPDX-License-Identifier: Apache-2.0
"""Flags of `train-quantized` and of `convert` for weights: each comes to its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.model.tf import keras, quiet

pytestmark = pytest.mark.needs_tf


def run(*arguments: str, cwd: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", *arguments, "--json"],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1"},
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    layers, rng = keras().layers, np.random.default_rng(0)
    keras().utils.set_random_seed(2)
    model = keras().Sequential(
        [
            keras().Input((20,)),
            layers.Dense(32, activation="relu", name="wide"),
            layers.Dense(3, name="scores"),
        ]
    )
    with quiet():
        model.save(tmp_path / "net.keras")
    x = rng.random((120, 20)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x, y_train=x[:, :3].argmax(axis=1))
    return tmp_path


def test_flags_of_train_quantized(folder: Path) -> None:
    flags = "--layer wide=int4 --ranges averaged --calibration minmax --samples 40 --teacher none"
    flags += " --steps 6 --batch-size 10 --learning-rate 0.002 --seed 5 -o four.keras"
    record = run("train-quantized", "net.keras", "--data", "d.npz", *flags.split(), cwd=folder)
    assert {kernel["layer"]: kernel["bits"] for kernel in record["kernels"]} == {
        "wide": 4,
        "scores": 8,
    }
    assert (record["engine"], record["moved"]) == ("edgekit", "averaged")
    assert record["calibration"] == {"method": "minmax", "samples": 40}
    tuning = record["fine_tuning"]
    expected = {"teacher": "none", "steps": 6, "batch_size": 10, "learning_rate": 0.002, "seed": 5}
    assert {key: tuning[key] for key in expected} == expected
    done = run("convert", "four.keras", "-o", "four", cwd=folder)
    assert [name for _, _, name in done["formats"]] == ["int4"]


def test_rounding_and_layers_of_convert(folder: Path) -> None:
    flags = "--layer .*=int4 --layer scores=int8 --rounding mean --weight-scale mse"
    record = run(
        "convert", "net.keras", "--data", "d.npz", *flags.split(), "-o", "mean", cwd=folder
    )
    assert [name for _, _, name in record["formats"]] == ["int4"]
    assert {row["rounding"] for row in record["weights"]} == {"mean"}
    run("convert", "net.keras", "--data", "d.npz", *flags.split()[:4], "-o", "near", cwd=folder)
    files = [(folder / name / "net.tflite").read_bytes() for name in ("mean", "near")]
    assert files[0] != files[1]
