# SPDX-License-Identifier: Apache-2.0
"""The demo's data and model: scikit-learn's 8x8 handwritten digits and a small CNN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, quiet
from edgekit.progress import SILENT, Progress

GREY_LEVELS = 16.0  # the images hold counts of dark pixels, 0 to 16
TEST_SHARE = 4  # one image in four is held out
EPOCHS = 20
BATCH_SIZE = 64


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Images `[n, 8, 8, 1]` float32 in 0..1, labels `[n]` int64; no image is in both pairs."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, name) for name in ("x_train", "y_train", "x_test", "y_test")}


def load_digits(seed: int = 0) -> Digits:
    """The 1,797 images that come with scikit-learn (UCI ML hand-written digits, test part)."""
    try:
        from sklearn import datasets
    except ImportError:
        raise EdgekitError(
            "the demo's digits come with scikit-learn, which is not installed",
            hint="pip install scikit-learn",
        ) from None
    bunch: Any = datasets.load_digits()
    order = np.random.default_rng(seed).permutation(len(bunch.target))
    x = (bunch.images[order] / GREY_LEVELS).astype(np.float32)[..., np.newaxis]
    y = bunch.target[order].astype(np.int64)
    held_out = len(y) // TEST_SHARE
    return Digits(x[held_out:], y[held_out:], x[:held_out], y[:held_out])


def digits_model() -> Any:
    """A CNN of two convolutions, a depthwise one and a dense layer: 10 classes, softmax."""
    layers = keras().layers
    return keras().Sequential(
        [
            layers.Input((8, 8, 1), name="image"),
            layers.Conv2D(16, 3, padding="same", use_bias=False, name="conv_1"),
            layers.BatchNormalization(name="norm_1"),
            layers.ReLU(name="relu_1"),
            layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="conv_2"),
            layers.BatchNormalization(name="norm_2"),
            layers.ReLU(name="relu_2"),
            layers.Conv2D(32, 3, padding="same", use_bias=False, name="conv_3"),
            layers.BatchNormalization(name="norm_3"),
            layers.ReLU(name="relu_3"),
            layers.AveragePooling2D(2, name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name="digits",
    )


def train_digits(
    digits: Digits, *, epochs: int = EPOCHS, seed: int = 0, progress: Progress = SILENT
) -> Any:
    """A trained `digits_model`, without its optimizer, so that a file of it is weights alone."""
    module = keras()
    module.utils.set_random_seed(seed)
    model = digits_model()
    steps = -(-len(digits.x_train) // BATCH_SIZE) * epochs
    rate = module.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(
        optimizer=module.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    with progress.task("training", epochs) as task:

        def told(_: int, logs: dict[str, float]) -> None:
            task.advance(note=f"accuracy {100 * logs['accuracy']:.1f} %")

        # not inside `quiet`, which would hide the bar too
        model.fit(
            digits.x_train,
            digits.y_train,
            batch_size=BATCH_SIZE,
            epochs=epochs,
            verbose=0,
            callbacks=[module.callbacks.LambdaCallback(on_epoch_end=told)],
        )
    bare = digits_model()
    bare.set_weights(model.get_weights())
    return bare


def accuracy_of(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Share of `x` whose largest output is the label in `y`, 0..1."""
    with quiet():
        return float((np.asarray(model(x, training=False)).argmax(axis=1) == y).mean())
