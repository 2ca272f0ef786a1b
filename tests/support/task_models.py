# SPDX-License-Identifier: Apache-2.0
"""Small models with the inputs and outputs of MLPerf Tiny's tasks, and their firmware."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import edgekit
from edgekit.verbs._mlperf_task import BY_ID
from tests.support.tflite_builder import ModelBuilder

# Task -> scale and zero point of the input.
_INPUTS = {"ad01": (0.4, 89), "ic01": (1.0, -128), "kws01": (0.58, 83), "vww01": (1 / 255, -128)}


def task_model(task_id: str, path: Path, *, zero_point: int | None = None) -> Path:
    """Two dense layers over all of the input, and a softmax where the task has classes."""
    task = BY_ID[task_id]
    scale, zero = _INPUTS[task_id]
    rng = np.random.default_rng(task.values)
    b = ModelBuilder()
    zero = zero if zero_point is None else zero_point
    x = b.input((1, task.values), scale=scale, zero_point=zero, name="x")
    hidden = b.constant(rng.integers(-90, 90, (4, task.values)).astype(np.int8), scale=0.01)
    none = b.constant(np.zeros(4, np.int32), scale=0.01 * scale)
    spread = 0.01 * scale * 60 * task.values**0.5
    h = b.op("FULLY_CONNECTED", [x, hidden, none], (1, 4), scale=spread, zero_point=3)
    last = b.constant(rng.integers(-120, 120, (task.outputs, 4)).astype(np.int8), scale=0.01)
    bias = b.constant(rng.integers(-3000, 3000, task.outputs).astype(np.int32), scale=0.01 * spread)
    y = b.op("FULLY_CONNECTED", [h, last, bias], (1, task.outputs), scale=0.7 * spread)
    if task.convention != "float32":
        y = b.op("SOFTMAX", [y], (1, task.outputs), scale=1 / 256, zero_point=-128)
    path.write_bytes(b.finish([y]))
    return path


def task_firmware(task_id: str, folder: Path, board: str, *, sanitize: bool = False) -> Path:
    """Built firmware of the task's small model, in a folder below `folder`."""
    model = task_model(task_id, folder / f"{task_id}.tflite")
    project = folder / f"{task_id}-{board}"
    edgekit.firmware(model, board=board, out=project, mlperf=task_id)
    edgekit.build(project, sanitize=sanitize)
    return project
