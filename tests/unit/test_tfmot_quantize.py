# SPDX-License-Identifier: Apache-2.0
"""`train-quantized --engine tfmot`: trained on Keras 2 in a process of its own, then converted."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit.errors import EdgekitError, ToolMissing
from edgekit.model.load import load_model
from edgekit.model.tf import keras, quiet
from edgekit.prune import tfmot_engine

needs_tfmot = pytest.mark.skipif(
    find_spec("tensorflow_model_optimization") is None or find_spec("tf_keras") is None,
    reason="no tensorflow-model-optimization with tf_keras: pip install 'edgekit[tfmot]'",
)
pytestmark = pytest.mark.needs_tf
CLASSES = 4


def _net(*between: Any) -> Any:
    layers = keras().layers
    keras().utils.set_random_seed(1)
    return keras().Sequential(
        [
            keras().Input((8, 8, 2)),
            layers.Conv2D(8, 3, padding="same", name="first"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            *between,
            layers.AveragePooling2D(4, name="pool"),
            layers.Flatten(),
            layers.Dense(CLASSES, activation="softmax", name="scores"),
        ]
    )


def _data() -> tuple[np.ndarray, np.ndarray]:
    """A class is the corner that is brighter."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, CLASSES, 400)
    x = rng.random((400, 8, 8, 2)) * 0.6
    for image, corner in zip(x, y, strict=True):
        row, column = divmod(int(corner), 2)
        image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 0.3
    return x.astype(np.float32), y


def _train(model: Any, out: Path, **options: Any) -> Any:
    return edgekit.train_quantized(model, _data(), out=out, engine="tfmot", **options)


@needs_tfmot
def test_an_h5_file_is_trained_and_converts_with_its_ranges(tmp_path: Path) -> None:
    model = _net()
    first = model.get_layer("first")
    mask = np.random.default_rng(0).random(first.kernel.shape) < 0.6
    first.kernel.assign(np.where(mask, 0, np.asarray(first.kernel)))
    with quiet():
        model.save(tmp_path / "net.h5")
    options = {"epochs": 10, "batch_size": 16, "learning_rate": 1e-2}
    record = _train(tmp_path / "net.h5", tmp_path / "trained.keras", **options)
    assert (record.engine, record.moved) == ("tfmot", "averaged")
    assert record.versions.keys() == {"tensorflow-model-optimization"}
    assert record.accuracy is not None
    assert record.accuracy["after"] > 0.8 > record.accuracy["rounded"]
    told = " ".join(record.warnings)
    assert "no teacher" in told and "begin at -6..6" in told and "does not keep zeros" in told
    # the package's averages, on their way from -6, and not what a ReLU's outputs would show
    assert -6 < record.ranges["relu"][0] < -1
    kernel = np.asarray(load_model(record.model).keras.get_layer("first").kernel)
    steps = kernel / (np.abs(kernel).max(axis=(0, 1, 2)) / 127)
    assert np.allclose(steps, np.rint(steps), atol=1e-3)
    done = edgekit.convert(record.model, _data(), out=tmp_path / "int8")
    assert done.calibration["method"] == "trained"
    assert done.accuracy is not None and done.accuracy["int8"] > 0.8


@needs_tfmot
def test_a_layer_that_the_package_takes_apart_is_named(tmp_path: Path) -> None:
    apart = keras().layers.SeparableConv2D(8, 3, padding="same", name="apart")
    with pytest.raises(EdgekitError, match="layer 'apart' apart"):
        _train(_net(apart), tmp_path / "trained.keras", epochs=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ranges": "fixed"}, "--ranges fixed"),
        ({"augment": "flip_shift"}, "--augment flip_shift"),
        ({"steps": 5}, "--steps 5"),
        ({"layers": (".*=int4",)}, "8 bits"),
    ],
)
def test_what_it_cannot_do_is_said(
    options: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfmot_engine, "need_tfmot", lambda: "0")
    with pytest.raises(EdgekitError, match=said) as caught:
        _train(_net(), tmp_path / "trained.keras", **options)
    assert "--engine edgekit" in caught.value.hint


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfmot_engine, "PACKAGE", "no_such_package")
    with pytest.raises(ToolMissing):
        _train(_net(), tmp_path / "trained.keras")
