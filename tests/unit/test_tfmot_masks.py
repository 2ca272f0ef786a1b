# SPDX-License-Identifier: Apache-2.0
"""Masks equal TFMOT's, update by update, for the same schedule and weights."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.prune.schedule import bound_schedule
from edgekit.prune.scopes.ranking import per_layer
from edgekit.prune.structures import Unstructured

SHAPES = ((3, 3, 8, 16), (64, 10), (37, 29))
STEPS, UPDATES_EVERY, FINAL = 60, 5, 0.8

# TFMOT turns tf.keras of its process into Keras 2, so it runs in one of its own.
TFMOT = f"""
import os, sys
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np
import tensorflow as tf
from tensorflow_model_optimization.python.core.sparsity.keras import pruning_impl, pruning_schedule
schedule = pruning_schedule.PolynomialDecay(0.1, {FINAL}, 5, 45, power=3, frequency={UPDATES_EVERY})
with np.load(sys.argv[1]) as file:
    weights = [file[name] for name in sorted(file.files)]
kept = {{}}
step = tf.Variable(0, dtype=tf.int64)
for layer, own in enumerate(weights):
    weight = tf.Variable(own)
    mask = tf.Variable(tf.ones_like(weight))
    threshold = tf.Variable(0.0)
    pruning = pruning_impl.Pruning(
        lambda: step, [(weight, mask, threshold)], schedule, (1, 1), "AVG")
    for number in range({STEPS}):
        step.assign(number)
        due, sparsity = schedule(number)
        kept[f"due_{{number:02d}}"] = np.array([bool(due), float(sparsity)])
        if bool(due):
            _, new = pruning._update_mask(weight)
            mask.assign(new)
            kept[f"mask_{{layer}}_{{number:02d}}"] = np.asarray(new) > 0
        weight.assign(weight * mask * (1 + 0.01 * number))
np.savez(sys.argv[2], **kept)
"""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    if importlib.util.find_spec("tensorflow_model_optimization") is None:
        pytest.skip("no tensorflow_model_optimization: pip install 'edgekit[tfmot]'")
    folder: Path = tmp_path_factory.mktemp("tfmot")
    rng = np.random.default_rng(0)
    own = {str(i): rng.normal(size=shape).astype(np.float32) for i, shape in enumerate(SHAPES)}
    np.savez(folder / "weights.npz", **own)  # type: ignore[arg-type]
    arguments = [str(folder / "weights.npz"), str(folder / "masks.npz")]
    done = subprocess.run(
        [sys.executable, "-c", TFMOT, *arguments], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(folder / "masks.npz") as file:
        masks = {name: file[name] for name in file.files}
    return masks | own


def test_masks_are_equal_at_every_update(theirs: dict[str, np.ndarray]) -> None:
    schedule = bound_schedule(lambda step: tuple(theirs[f"due_{step:02d}"]), FINAL, STEPS)
    updates = 0
    for layer in range(len(SHAPES)):
        weights = theirs[str(layer)]
        mask = np.ones(weights.shape, bool)
        for step in range(STEPS):
            due, sparsity = schedule(step)
            if due:
                groups = Unstructured().groups(np.abs(weights))
                mask = per_layer([groups], sparsity)[0].reshape(weights.shape)
                assert np.array_equal(mask, theirs[f"mask_{layer}_{step:02d}"]), (layer, step)
                updates += 1
            weights = weights * mask * np.float32(1 + 0.01 * step)
    assert updates == 9 * len(SHAPES)


def test_the_ramp_is_tfmots(theirs: dict[str, np.ndarray]) -> None:
    from edgekit.prune.schedule import Polynomial

    ramp = Polynomial(FINAL, initial=0.1, begin=5 / STEPS, end=45 / STEPS).over(STEPS)
    for step in range(STEPS):
        due, sparsity = theirs[f"due_{step:02d}"]
        if due and 5 <= step <= 45:
            assert ramp(step)[1] == pytest.approx(sparsity, abs=1e-5)
