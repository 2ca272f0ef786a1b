# SPDX-License-Identifier: Apache-2.0
"""`edgekit.convert`: its files, its record, and everything that it refuses."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit.verbs.convert as verb
from edgekit.boards import load_board
from edgekit.errors import EdgekitError, LimitBroken
from edgekit.model.scale import refuse_wrong_scale
from edgekit.model.tf import keras, quiet
from edgekit.quantize.same import difference
from edgekit.tflite.reader import read_graph
from tests.support.small_models import dense_model

convert = verb.convert
needs_tf = pytest.mark.needs_tf

KEYS = {
    "tflite",
    "tflite_bytes",
    "model_sha256",
    "warnings",
    "ops",
    "arena_bytes",
    "accuracy",
    "output_error",
    "calibration",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small model that tells bright images from dark ones, and labelled data in 0..1."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    x = (rng.random((400, 6, 6, 1)) * 0.4 + 0.6 * y[:, None, None, None]).astype(np.float32)
    layers = keras().layers
    keras().utils.set_random_seed(0)
    model = keras().Sequential(
        [
            keras().Input((6, 6, 1), name="image"),
            layers.Conv2D(4, 3, use_bias=False, name="first"),
            layers.BatchNormalization(momentum=0.8, name="norm"),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(2, activation="softmax", name="scores"),
        ]
    )
    model.compile(keras().optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=8, verbose=0)
    with quiet():
        model.save(folder / "my model.keras")
    np.savez(folder / "data.npz", x=x, y=y)
    return folder / "my model.keras", folder / "data.npz"


@needs_tf
def test_files_and_record(trained: tuple[Path, Path], tmp_path: Path) -> None:
    record = convert(*trained, out=tmp_path / "out", samples=50, eval_samples=60)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    parts = ("_aot.c", "_aot.h", "_model.c", "_model.cc", "_model.h", "_ops.h", "_scaling.h")
    parts = (*parts, ".tflite")
    assert names == sorted(["convert.json", *(f"my_model{part}" for part in parts)])
    stored = json.loads((tmp_path / "out" / "convert.json").read_text())
    assert set(stored) >= KEYS and stored["tflite"] == "my_model.tflite"
    assert set(stored["files"]) == set(names) - {"convert.json"}
    assert record.accuracy and record.accuracy["samples"] == 60
    assert record.accuracy["float"] > 0.95 and record.accuracy["int8"] > 0.95
    assert record.output_error and 0 < record.output_error["max_abs"] < 0.1
    assert record.calibration and record.calibration["samples"] == 50
    assert record.float_tflite_bytes and record.float_tflite_bytes > 1000
    assert [row.layer for row in record.ops if row.op == "CONV_2D"] == ["first"]
    assert record.tensors[0].role == "input" and not record.warnings


@needs_tf
def test_the_same_inputs_give_the_same_bytes(trained: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("a", "b"):
        convert(*trained, out=tmp_path / name, samples=20, eval_samples=5)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    head = (tmp_path / "a" / "my_model_model.cc").read_text().split("\n\n")[0]
    assert "edgekit convert 'my model.keras' --data data.npz --samples 20" in head
    assert "SHA-256" in head and str(tmp_path) not in head and "20" + "26" not in head


@needs_tf
def test_without_data_the_record_says_that_ranges_mean_nothing(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    record = convert(trained[0], out=tmp_path, samples=10)
    assert "generated" in record.warnings[0] and record.accuracy is None


@needs_tf
def test_data_of_another_scale_are_said_out_loud(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    with np.load(trained[1]) as file:
        x = np.round(file["x"] * 255).astype(np.uint8)
    record = convert(trained[0], x, out=tmp_path)
    assert "'norm'" in record.warnings[0] and "0..255" in record.warnings[0]


class Counting:
    """A model that has learnt where the middle of 0..1 is."""

    keras = None

    def __call__(self, arrays: Any) -> list[np.ndarray]:
        bright = arrays[0].mean(axis=1)
        near = np.stack([np.abs(bright - 0.2), np.abs(bright - 0.8), np.abs(bright - 9)], axis=1)
        return [-near]


def test_labels_prove_a_wrong_scale() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    x = ((0.2 + 0.6 * y)[:, None] * rng.uniform(0.9, 1.1, (100, 5)) * 255).astype(np.uint8)
    with pytest.raises(EdgekitError, match=r"scores 0\.00 on them, and 1\.00") as caught:
        refuse_wrong_scale(Counting(), x, y, 0.0)
    assert "divided by 255" in caught.value.hint
    refuse_wrong_scale(Counting(), (x / 255).astype(np.float32), y, 1.0)
    refuse_wrong_scale(Counting(), x, 1 - y, 0.0)


def test_an_int8_tflite_gives_the_same_record_without_tensorflow(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "dense.tflite")
    script = (
        "import sys, edgekit\n"
        f"edgekit.convert({str(model)!r}, out={str(tmp_path / 'out')!r})\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    stored = json.loads((tmp_path / "out" / "convert.json").read_text())
    assert set(stored) >= KEYS
    assert stored["accuracy"] is stored["calibration"] is stored["output_error"] is None
    assert difference(read_graph(model), read_graph(tmp_path / "out" / "dense.tflite")) == ""
    assert stored["ops"][0]["zero_weights"] >= 24


def refused(model: Any, data: Any = None, *, out: Path, **options: Any) -> str:
    """The words of the refusal; nothing may be left behind."""
    with pytest.raises(EdgekitError) as caught:
        convert(model, data, out=out, **options)
    assert caught.value.hint and "\n" not in f"{caught.value}{caught.value.hint}"
    assert not out.exists()
    assert not [path for path in out.parent.iterdir() if path.name.startswith(".")]
    return f"{caught.value} | {caught.value.hint}"


@needs_tf
def test_a_float_tflite_is_refused_with_words(trained: tuple[Path, Path], tmp_path: Path) -> None:
    from edgekit.model.tf import tensorflow

    with quiet():
        model = keras().models.load_model(trained[0])
        data = tensorflow().lite.TFLiteConverter.from_keras_model(model).convert()
    (tmp_path / "float.tflite").write_bytes(data)
    words = refused(tmp_path / "float.tflite", out=tmp_path / "out")
    assert "not full-integer" in words and "CONV_2D" in words and "Keras model" in words


def test_a_truncated_tflite_is_refused(tmp_path: Path) -> None:
    data = dense_model(tmp_path / "dense.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(data[: len(data) // 2])
    assert "damaged or truncated" in refused(tmp_path / "cut.tflite", out=tmp_path / "out")


@needs_tf
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.ones((5, 7)), "takes (6, 6, 1)"),
        (np.full((5, 6, 6, 1), 0.5), "all calibration values"),
        (np.full((5, 6, 6, 1), np.nan), "NaN"),
        (np.ones((0, 6, 6, 1)), "is empty"),
    ],
)
def test_data_that_do_not_serve(
    data: np.ndarray, words: str, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    assert words in refused(trained[0], data, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"board": "qemu-mps2-an368"}, "qemu-mps2-an386"),
        ({"input_dtype": "int16"}, "not one of int8, uint8, float32"),
        ({"samples": 0}, "0 calibration"),
        ({"name": "---"}, "no name for C"),
    ],
)
def test_options_that_do_not_serve(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    model = dense_model(tmp_path / "dense.tflite")
    assert words in refused(model, out=tmp_path / "out", **options)


@pytest.mark.parametrize(("kind", "limit"), [("flash", "flash_bytes"), ("RAM", "ram_bytes")])
def test_a_model_too_big_for_the_board(
    kind: str, limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = load_board("qemu-mps2-an386")
    small = dataclasses.replace(board, memory=dataclasses.replace(board.memory, **{limit: 8}))
    monkeypatch.setattr(verb, "load_board", lambda name: small)
    model = dense_model(tmp_path / "dense.tflite")
    with pytest.raises(LimitBroken) as caught:
        convert(model, out=tmp_path / "out", board=board.id)
    assert kind in str(caught.value) and "too much" in str(caught.value)
    assert caught.value.exit_code == 1 and not (tmp_path / "out").exists()


def test_a_folder_with_files_of_others_is_left_alone(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "dense.tflite")
    out = tmp_path / "out"
    convert(model, out=out)
    convert(model, out=out)
    (out / "dense_model.h").write_text("changed by hand")
    with pytest.raises(EdgekitError, match=r"dense_model\.h"):
        convert(model, out=out)
    assert (out / "dense_model.h").read_text() == "changed by hand"
    convert(model, out=out, force=True)
    assert (out / "dense_model.h").read_text() != "changed by hand"


@pytest.mark.parametrize("model", ["ad01", "kws", "pretrainedResnet", "vww_96"])
@pytest.mark.slow
@needs_tf
def test_mlperf_tiny_models_convert_and_run_on_both_runtimes(
    model: str, shared: Path, tmp_path: Path
) -> None:
    record = convert(
        shared / "models" / "mlperf_tiny" / f"{model}.h5", out=tmp_path / "out", samples=8
    )
    assert record.runtimes["aot"] == ""
    graph = read_graph(record.tflite)
    assert {tensor.dtype for tensor in graph.tensors} == {"int8", "int32"}
    if compiler := shutil.which("gcc"):
        command = [compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", "-c", "-o", "m.o"]
        subprocess.run([*command, f"{record.name}_model.c"], cwd=tmp_path / "out", check=True)
