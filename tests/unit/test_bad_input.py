# SPDX-License-Identifier: Apache-2.0
"""Data and models that no int8 file comes of: one line says why, one what to do, nothing is left.

Through the command line, as a user meets it; and what is only remarked on.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.cli import app
from edgekit.model.tf import keras, quiet, tensorflow

pytestmark = pytest.mark.needs_tf
RNG = np.random.default_rng(0)
X = RNG.uniform(0, 2, (60, 6)).astype(np.float32)
Y = np.arange(60) % 3


class _Said:
    def __init__(self, code: Any, text: str) -> None:
        self.code, lines = code, text.splitlines()
        start = next((n for n, line in enumerate(lines) if line.startswith("error:")), len(lines))
        self.error, self.text = lines[start:], " ".join(text.split())


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., _Said]:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> _Said:
        monkeypatch.setattr(sys, "argv", ["edgekit", *words])
        capfd.readouterr()
        try:
            code: Any = app.main()
        except SystemExit as stop:
            code = stop.code
        return _Said(code, "\n".join(capfd.readouterr()))

    return run


def _refused(said: _Said, words: str, before: set[Path]) -> None:
    assert said.code == 2
    assert len(said.error) == 2 and said.error[1].startswith("hint:"), said.error
    assert words in said.error[0]
    assert set(Path.cwd().iterdir()) == before


def _model(dtype: str = "float32") -> Any:
    k = keras().layers
    inputs = keras().Input((6,), name="features", dtype=dtype)
    x = k.Dense(8, activation="relu", name="wide", dtype=dtype)(inputs)
    return keras().Model(inputs, k.Dense(3, name="last", dtype=dtype)(x), name="net")


def _with(value: float) -> np.ndarray:
    x = X.copy()
    x[3, 2] = value
    return x


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (X[:0], "is empty"),
        (np.full((40, 6), 7, np.float32), "all calibration values of 'd.npz' are 7"),
        (_with(np.nan), "holds NaN (first in sample 3)"),
        (_with(np.inf), "holds infinite values (first in sample 3)"),
        (_with(-np.inf), "holds infinite values (first in sample 3)"),
        (X[:, :5], "samples of shape (5)"),
        (np.array([["a"] * 6] * 20), "samples are numbers"),
        (X.astype(np.complex64), "samples are numbers"),
    ],
    ids=["empty", "constant", "nan", "inf", "minus_inf", "shape", "strings", "complex"],
)
def test_data(said: Callable[..., _Said], x: np.ndarray, words: str) -> None:
    _model().save("net.keras")
    np.savez("d.npz", x=x, y=Y[: len(x)])
    before = set(Path.cwd().iterdir())
    _refused(said("convert", "net.keras", "--data", "d.npz", "-o", "out"), words, before)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (X[:6], Y[:6], "samples to calibrate with: ranges will be too narrow"),
        (X[Y == 2], Y[Y == 2], "all calibration samples are of class 2"),
        (np.repeat(X[:1], 30, 0), Y[:30], "all 20 calibration samples are the same"),
    ],
    ids=["few", "one_class", "the_same"],
)
def test_data_that_are_remarked_on(
    said: Callable[..., _Said], x: np.ndarray, y: np.ndarray, words: str
) -> None:
    _model().save("net.keras")
    np.savez("d.npz", x=x, y=y)
    found = said("convert", "net.keras", "--data", "d.npz", "-o", "out")
    assert not found.code and f"warning: {words}" in found.text.replace("only 4 ", "")
    assert Path("out", "net.tflite").is_file()


def test_the_wrong_scale(said: Callable[..., _Said]) -> None:
    """A model that tells classes 0..255 apart by a threshold, and the same data divided."""
    module = keras()
    inputs = module.Input((1,))
    model = module.Model(inputs, module.layers.Dense(2)(inputs), name="net")
    model.layers[-1].set_weights([np.array([[0.0, 0.01]], np.float32), np.array([1.28, 0.0])])
    model.save("net.keras")
    x = RNG.uniform(0, 255, (80, 1)).astype(np.float32)
    np.savez("d.npz", x=x / 255, y=(x[:, 0] > 128).astype(int))
    before = set(Path.cwd().iterdir())
    words = "the model was not trained on that scale"
    _refused(said("convert", "net.keras", "--data", "d.npz", "-o", "out"), words, before)


def _quantized() -> Any:
    model = _model()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that an input layer is not quantized
        model.quantize("int8")
    return model


def _of_words() -> Any:
    module = keras()
    inputs = module.Input((1,), dtype="string", name="words")
    return module.Model(inputs, module.layers.StringLookup(vocabulary=["a"])(inputs))


def _not_finite() -> Any:
    model = _model()
    kernel = np.asarray(model.get_layer("wide").kernel).copy()
    kernel[0] = np.nan
    model.get_layer("wide").kernel.assign(kernel)
    return model


def _open() -> Any:
    module = keras()
    inputs = module.Input((None, 6), name="steps")
    return module.Model(inputs, module.layers.GlobalAveragePooling1D()(inputs))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (_quantized, "layer 'wide' is quantized already (int8)"),
        (_of_words, "input 'words' takes strings"),
        (lambda: _model("float64"), "input 'features' is float64"),
        (lambda: _model("float16"), "input 'features' is float16"),
        (_not_finite, "layer 'wide' gives NaN or infinity"),
        (_open, "input 'steps' has an open shape"),
    ],
    ids=["quantized", "strings", "float64", "float16", "nan_weights", "open_shape"],
)
def test_keras_models(said: Callable[..., _Said], made: Callable[[], Any], words: str) -> None:
    made().save("net.keras")
    np.savez("d.npz", x=X, y=Y)
    before = set(Path.cwd().iterdir())
    _refused(said("convert", "net.keras", "-o", "out"), words, before)
    if made not in (_of_words, _open):
        found = said("train-quantized", "net.keras", "--data", "d.npz", "-o", "t.keras")
        _refused(found, words, before)


def _saved(kind: str) -> Any:
    tf = tensorflow()
    kernel = np.ones((6, 3))
    functions = {
        "condition": lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2.0, lambda: x - 1.0),
        "loop": lambda x: tf.while_loop(lambda v: tf.reduce_sum(v) < 9, lambda v: (v * 2,), (x,)),
        "float64": lambda x: tf.cast(tf.cast(x, tf.float64) @ tf.constant(kernel), tf.float32),
        "ragged": lambda x: tf.reduce_sum(x, axis=1),
        "open": lambda x: tf.reduce_mean(tf.nn.relu(x), axis=1),
    }
    shape = {"open": (None, None, 6)}.get(kind, (1, 6))
    spec: Any = tf.TensorSpec(shape, tf.float32, name="x")
    if kind == "ragged":
        spec = tf.RaggedTensorSpec((None, None), tf.float32)
    module = tf.Module()
    module.run = tf.function(functions[kind], input_signature=[spec])
    return module


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("condition", "control flow"),
        ("loop", "control flow"),
        ("float64", "op MatMul computes in float64"),
        ("ragged", "the SavedModel's function fails on these inputs"),
        ("open", "input 'x' has an open shape"),
    ],
)
def test_saved_models(said: Callable[..., _Said], kind: str, words: str) -> None:
    module = _saved(kind)
    with quiet():
        tensorflow().saved_model.save(module, "net", signatures=module.run)
    before = set(Path.cwd().iterdir())
    _refused(said("convert", "net", "-o", "out"), words, before)


def test_ranges_that_collapse(said: Callable[..., _Said]) -> None:
    model = _model()
    for weights in model.weights:
        weights.assign(np.zeros(weights.shape))
    model.save("net.keras")
    np.savez("d.npz", x=X, y=Y)
    found = said("convert", "net.keras", "--data", "d.npz", "-o", "out")
    assert not found.code and "nothing but 0 came out of 'wide'" in found.text
