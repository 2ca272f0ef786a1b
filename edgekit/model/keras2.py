# SPDX-License-Identifier: Apache-2.0
"""Keras 2 models become Keras 3 models: tf_keras rewrites them in a process of its own.

Run as `python -m edgekit.model.keras2 SOURCE TARGET [module:name ...]` it loads SOURCE with
tf_keras and writes TARGET/model.h5 and TARGET/probe.npz (seeded random inputs and the outputs
for them), so that whoever loads the .h5 can see that it still computes the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError

TOLERANCE = 1e-5  # of the largest output; measured differences are below 1e-7
PROBE_SAMPLES = 4
TIMEOUT_S = 600


def rewrite(source: Path, folder: Path, custom: Sequence[str] = ()) -> None:
    """Write folder/model.h5 and folder/probe.npz from a Keras 2 model, in a child process."""
    command = [sys.executable, "-m", "edgekit.model.keras2", str(source), str(folder), *custom]
    paths = [str(Path.cwd()), *(path for path in sys.path if path)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise EdgekitError(
            f"tf_keras did not load '{source}' within {TIMEOUT_S} s",
            hint="save the model again with Keras 3: model.save('model.keras')",
        ) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise EdgekitError(
            f"neither Keras 3 nor tf_keras (Keras 2) loads '{source}': {lines[-1][:200]}",
            hint="if it has layers of your own, name them with --custom module:name",
        )


def probe_inputs(shapes: Sequence[Sequence[int | None]], dtypes: Sequence[str]) -> list[np.ndarray]:
    """Seeded inputs for a comparison, PROBE_SAMPLES of them, in 0..1; open sides become 32."""
    rng = np.random.default_rng(0)
    return [
        rng.random((PROBE_SAMPLES, *(side or 32 for side in shape))).astype(dtype)
        for shape, dtype in zip(shapes, dtypes, strict=True)
    ]


def write_probe(model: Any, folder: Path) -> None:
    """folder/probe.npz: x0, x1, ... and y0, y1, ... of a tf_keras model."""
    inputs = probe_inputs(
        [tensor.shape[1:] for tensor in model.inputs],
        [tensor.dtype.name for tensor in model.inputs],
    )
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    arrays: dict[str, Any] = {f"x{i}": array for i, array in enumerate(inputs)}
    arrays |= {f"y{i}": np.asarray(array) for i, array in enumerate(outputs)}
    np.savez(folder / "probe.npz", **arrays)


def check_probe(call: Any, folder: Path, source: str) -> float:
    """Largest difference between `call` and the recorded outputs, in parts of the largest output.

    EdgekitError where it is above TOLERANCE: the model would not be the user's any more.
    """
    with np.load(folder / "probe.npz") as probe:
        inputs = [probe[f"x{i}"] for i in range(sum(name[0] == "x" for name in probe.files))]
        expected = [probe[f"y{i}"] for i in range(sum(name[0] == "y" for name in probe.files))]
    outputs = call(inputs)
    worst = 0.0
    for got, want in zip(outputs, expected, strict=True):
        largest = max(1.0, float(np.max(np.abs(want))))
        worst = max(worst, float(np.max(np.abs(got - want))) / largest)
    if not worst <= TOLERANCE:
        raise EdgekitError(
            f"'{source}' computes something else in Keras 3 than in Keras 2 (off by {worst:.2g})",
            hint="build the model again in Keras 3 and load the weights there",
        )
    return worst


def _main(source: str, target: str, *custom: str) -> None:
    from edgekit.model.custom import custom_objects
    from edgekit.model.tf import tensorflow

    tensorflow()
    import tf_keras

    model = tf_keras.models.load_model(source, custom_objects=custom_objects(custom), compile=False)
    model.save(Path(target) / "model.h5", save_format="h5", include_optimizer=False)
    write_probe(model, Path(target))


if __name__ == "__main__":
    _main(*sys.argv[1:])
