# SPDX-License-Identifier: Apache-2.0
"""Models of every kind load; those that do not say why in one line."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.custom import custom_objects
from edgekit.model.load import load_model
from edgekit.model.tf import keras, quiet, tensorflow

pytestmark = pytest.mark.needs_tf


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small models as .keras and .h5, one with a layer of a class that Keras does not know."""
    place = tmp_path_factory.mktemp("models")
    layers = keras().layers
    model = keras().Sequential(
        [
            keras().Input((6, 6, 2), name="image"),
            layers.Conv2D(4, 3, name="first"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name="scores"),
        ]
    )
    with quiet():
        model.save(place / "plain.keras")
        model.save(place / "plain.h5")
        model.export(place / "exported", verbose=False)
    (place / "own_layers.py").write_text(
        "import keras\nclass Twice(keras.layers.Layer):\n"
        "    def call(self, x):\n        return 2 * x\n"
    )
    return place


@pytest.mark.parametrize("name", ["plain.keras", "plain.h5", "exported"])
def test_it_loads_and_computes_the_same(name: str, folder: Path) -> None:
    x = np.random.default_rng(0).random((5, 6, 6, 2)).astype(np.float32)
    loaded = load_model(folder / name)
    expected = load_model(folder / "plain.keras")([x])[0]
    assert [spec.shape for spec in loaded.inputs] == [(6, 6, 2)]
    assert np.allclose(loaded([x])[0], expected, atol=1e-6)
    assert loaded.source_bytes > 1000 and len(loaded.sha256) == 64


def test_an_unusual_suffix_does_not_matter(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model.hdf5"
    copy.write_bytes((folder / "plain.h5").read_bytes())
    assert load_model(copy).keras is not None


def test_a_live_model_loads_without_a_copy() -> None:
    model = keras().Sequential([keras().Input((4,)), keras().layers.Dense(2)])
    assert load_model(model).keras is model


@pytest.mark.parametrize("name", ["ad01", "kws", "pretrainedResnet", "vww_96"])
def test_mlperf_tiny_models_of_keras_2_load_as_plain_keras_3(name: str, shared: Path) -> None:
    model = load_model(shared / "models" / "mlperf_tiny" / f"{name}.h5").keras
    assert {type(layer).__module__.split(".")[0] for layer in model.layers} == {"keras"}


def refused(source: Any, **options: Any) -> str:
    with pytest.raises(EdgekitError) as caught:
        load_model(source, **options)
    assert caught.value.exit_code == 2 and caught.value.hint
    assert "\n" not in str(caught.value) + caught.value.hint
    return f"{caught.value} | {caught.value.hint}"


def test_wrong_files(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "wrong.keras").write_text("hello")
    (tmp_path / "photos.zip").write_bytes(zip_of("a.txt"))
    assert "there is no model" in refused(tmp_path / "absent.keras")
    assert "is not a model" in refused(tmp_path / "notes.txt")
    assert "not a .keras file" in refused(tmp_path / "wrong.keras")
    assert "holds no Keras model" in refused(tmp_path / "photos.zip")
    assert "no saved_model.pb" in refused(tmp_path)
    assert "a path or a Keras model" in refused(3)


def zip_of(name: str) -> bytes:
    import io

    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(name, "x")
    return memory.getvalue()


@pytest.mark.parametrize("name", ["plain.keras", "plain.h5"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_truncated_files(name: str, part: float, folder: Path, tmp_path: Path) -> None:
    data = (folder / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(part * len(data))])
    assert "damaged or truncated" in refused(tmp_path / name)


def test_a_layer_that_keras_does_not_know(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    from own_layers import Twice  # type: ignore[import-not-found]

    model = keras().Sequential([keras().Input((4,)), Twice(name="doubling")])
    with quiet():
        model.save(tmp_path / "own.keras")
    words = refused(tmp_path / "own.keras")
    assert "'doubling'" in words and "'Twice'" in words and "--custom" in words
    loaded = load_model(tmp_path / "own.keras", custom=("own_layers:Twice",))
    assert loaded([np.ones((1, 4), np.float32)])[0].tolist() == [[2, 2, 2, 2]]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_in_a_lambda_is_never_run(suffix: str, tmp_path: Path) -> None:
    layers = keras().layers
    model = keras().Sequential([keras().Input((4,)), layers.Lambda(lambda x: 2 * x, name="sly")])
    with quiet():
        model.save(tmp_path / f"lambda{suffix}")
    words = refused(tmp_path / f"lambda{suffix}")
    assert "'sly'" in words and "Lambda" in words and "--custom" in words


@pytest.mark.parametrize("custom", ["nothing", "no_module_of_this_name:Layer", "json:Layer"])
def test_custom_objects_that_are_not_there(custom: str, folder: Path) -> None:
    refused(folder / "plain.keras", custom=(custom,))


def test_a_fixed_batch_is_refused() -> None:
    model = keras().Sequential([keras().Input((4,), batch_size=8), keras().layers.Dense(2)])
    assert "fixed batch of 8" in refused(model)


def test_weights_alone_are_no_model(tmp_path: Path) -> None:
    model = keras().Sequential([keras().Input((4,)), keras().layers.Dense(2)])
    model.save_weights(tmp_path / "only.weights.h5")
    assert "holds weights but no model" in refused(tmp_path / "only.weights.h5")


@pytest.mark.slow
def test_a_saved_model_of_keras_2_goes_through_tf_keras(tmp_path: Path) -> None:
    tensorflow()
    with quiet():
        import tf_keras

        model = tf_keras.Sequential(
            [
                tf_keras.layers.Input((8, 8, 3)),
                tf_keras.layers.DepthwiseConv2D(3, name="depths"),
                tf_keras.layers.GlobalAveragePooling2D(),
            ]
        )
        model.save(tmp_path / "old", save_format="tf")
        model.save(tmp_path / "old.keras", save_format="keras")
        x = np.random.default_rng(0).random((3, 8, 8, 3)).astype(np.float32)
        expected = np.asarray(model(x))
    for source in (tmp_path / "old", tmp_path / "old.keras", model):
        loaded = load_model(source)
        assert loaded.keras is not None
        assert np.allclose(loaded([x])[0], expected, atol=1e-5)


def test_nothing_is_said_on_the_terminal(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_model(folder / "plain.h5")([np.zeros((1, 6, 6, 2), np.float32)])
    said = capfd.readouterr()
    assert said.out + said.err == ""


def test_quiet_gives_the_streams_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError), quiet() as heard:
        print(json.dumps("inside"))
        raise ValueError
    print("outside")
    assert capfd.readouterr().out == "outside\n" and "inside" in heard.text


def test_operations_of_keras_are_known(tmp_path: Path) -> None:
    inputs = keras().Input((4,))
    with quiet():
        keras().Model(inputs, keras().ops.sin(inputs)).save(tmp_path / "sine.keras")
    sine = load_model(tmp_path / "sine.keras")([np.zeros((1, 4), np.float32)])[0]
    assert sine.tolist() == [[0, 0, 0, 0]]


def test_a_module_of_the_users_says_nothing_on_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "talker.py").write_text("print('imported')\ndef own(x):\n    return x\n")
    monkeypatch.chdir(tmp_path)
    assert list(custom_objects(["talker:own"])) == ["own"]
    assert capfd.readouterr().out == ""
