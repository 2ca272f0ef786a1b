# SPDX-License-Identifier: Apache-2.0
"""Run as a process: masks of tensorflow-model-optimization beside those of edgekit.

The same weights go through both, update by update, moved in the same way between updates. Prints
one JSON line: schedule -> per update [step, layer, weights, zeros, masks that differ].
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np

SHAPES = {"taps": (3, 3, 16, 24), "wide": (144, 32)}
STEPS = 40


def main() -> None:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import keras
    import tensorflow as tf
    import tensorflow_model_optimization as tfmot

    pruning = tfmot.sparsity.keras
    schedules = {
        "polynomial": pruning.PolynomialDecay(0.1, 0.8, 2, 32, frequency=3),
        "constant": pruning.ConstantSparsity(0.5, 4, 36, frequency=4),
        "odd": pruning.PolynomialDecay(0.0, 0.937, 0, 39, power=2, frequency=5),
    }
    found = {name: compare(keras, tf, pruning, schedule) for name, schedule in schedules.items()}
    sys.stdout.write(json.dumps(found) + "\n")


def compare(keras: Any, tf: Any, pruning: Any, schedule: Any) -> list[list[Any]]:
    from edgekit.prune.masks import Choice, Masks
    from edgekit.prune.schedule import bound_schedule

    rng = np.random.default_rng(5)
    first = {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    theirs = {name: wrapper(tf, pruning, schedule, name, first[name]) for name in SHAPES}
    model = ours(keras, first)
    masks = Masks(model, Choice(scope="per_layer", keep=("kept",)))
    masks.install()
    due = bound_schedule(schedule, 0.5, STEPS)
    rows: list[list[Any]] = []
    for step in range(STEPS):
        update, sparsity = due(step)
        if update:
            masks.update(sparsity)
        for kernel, mask in zip(masks.pruned, masks.values(), strict=True):
            other = theirs[kernel.name]
            other.pruning_step.assign(step)
            other.pruning_obj.conditional_mask_update()
            other.pruning_obj.weight_mask_op()
            mask_of_theirs = np.asarray(other.pruning_vars[0][1]) != 0
            if update:
                differ = int((mask != mask_of_theirs).sum())
                rows.append([step, kernel.name, mask.size, int((~mask).sum()), differ])
            moved = rng.normal(size=mask.shape).astype(np.float32) * 0.3 * mask
            kernel.assign(kernel.values() + moved)
            weight = other.pruning_vars[0][0]
            weight.assign(np.asarray(weight) + moved)
    return rows


def ours(keras: Any, weights: dict[str, np.ndarray]) -> Any:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(16, 3, name="first"),
            layers.Conv2D(24, 3, strides=2, name="taps"),
            layers.Conv2D(144, 2, name="kept"),
            layers.Flatten(),
            layers.Dense(32, name="wide"),
        ]
    )
    for name, array in weights.items():
        model.get_layer(name).kernel.assign(array)
    model.get_layer("kept").kernel.assign(np.zeros((2, 2, 24, 144)))
    return model


def wrapper(tf: Any, pruning: Any, schedule: Any, name: str, weights: np.ndarray) -> Any:
    layers = tf.keras.layers
    if weights.ndim == 4:
        inner, shape = layers.Conv2D(weights.shape[3], 3, name=name), (None, 8, 8, weights.shape[2])
    else:
        inner, shape = layers.Dense(weights.shape[1], name=name), (None, weights.shape[0])
    wrapped = pruning.prune_low_magnitude(inner, pruning_schedule=schedule)
    wrapped.build(shape)
    wrapped.pruning_vars[0][0].assign(weights)
    return wrapped


if __name__ == "__main__":
    main()
