# SPDX-License-Identifier: Apache-2.0
"""Small .tflite files for tests that are about something else than operators."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.support.tflite_builder import ModelBuilder


def dense_model(path: Path, *, units: int = 4) -> Path:
    """Two dense layers ("hidden", "scores") on 8 int8 values and a softmax over `units`."""
    rng = np.random.default_rng(7)
    builder = ModelBuilder()
    x = builder.input((1, 8), scale=0.02, zero_point=-3, name="x")
    hidden_weights = rng.integers(-120, 120, (6, 8)).astype(np.int8)
    hidden_weights[:, ::2] = 0
    h = _dense(builder, x, hidden_weights, "hidden", (0.02, 0.05))
    scores = rng.integers(-120, 120, (units, 6)).astype(np.int8)
    y = _dense(builder, h, scores, "scores", (0.05, 0.1))
    z = builder.op(
        "SOFTMAX", [y], (1, units), scale=1 / 256, zero_point=-128, name="m/probs/Softmax"
    )
    path.write_bytes(builder.finish([z]))
    return path


def _dense(
    builder: ModelBuilder, x: int, weights: np.ndarray, name: str, scales: tuple[float, float]
) -> int:
    """A dense layer from a scale of its input to one of its output."""
    units, (source, result) = len(weights), scales
    w = builder.constant(weights, scale=0.01, name=f"m/{name}/MatMul")
    b = builder.constant(
        np.arange(units, dtype=np.int32), scale=0.01 * source, name=f"m/{name}/BiasAdd"
    )
    made = f"m/{name}/MatMul;x"
    return int(builder.op("FULLY_CONNECTED", [x, w, b], (1, units), scale=result, name=made))


def sparse_model(path: Path) -> Path:
    """Dense layers "hidden" (nine of ten weights zero), "few" (four different values), "scores"
    (small) and a softmax, on 64 int8 values."""
    rng = np.random.default_rng(11)
    builder = ModelBuilder()
    x = builder.input((1, 64), scale=0.02, zero_point=-3, name="x")
    hidden = rng.integers(20, 120, (64, 64)) * (rng.random((64, 64)) < 0.1)
    hidden = hidden.astype(np.int8)
    hidden[0, :8] = np.arange(1, 9)
    h = _dense(builder, x, hidden, "hidden", (0.02, 0.05))
    few = rng.choice(np.array([-90, -7, 13, 101], np.int8), (64, 64))
    h = _dense(builder, h, few, "few", (0.05, 0.2))
    scores = rng.integers(-120, 120, (4, 64)).astype(np.int8)
    y = _dense(builder, h, scores, "scores", (0.2, 0.4))
    z = builder.op("SOFTMAX", [y], (1, 4), scale=1 / 256, zero_point=-128, name="m/probs/Softmax")
    path.write_bytes(builder.finish([z]))
    return path
