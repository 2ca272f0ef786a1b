# SPDX-License-Identifier: Apache-2.0
"""Every form of data argument, and what is refused before any work starts."""

from __future__ import annotations

import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import EdgekitError
from edgekit.model.data import closed_inputs, generated, load_data
from edgekit.model.dataset import Dataset, Split
from edgekit.model.fit import check_not_constant, check_range
from edgekit.model.info import InputSpec

IMAGE = [InputSpec("image", (4, 4, 1))]
FLAT = [InputSpec("x", (3,))]


def images(samples: int = 10) -> np.ndarray:
    return np.random.default_rng(0).random((samples, 4, 4, 1)).astype(np.float32)


def test_npz_with_x_and_y(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=images(), y=np.arange(10))
    data = load_data(tmp_path / "d.npz", IMAGE)
    assert np.array_equal(data.x[0], images())
    assert data.train.labelled and data.test is None and len(data.sha256) == 64


def test_npz_pairs_keep_train_and_test_apart(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "d.npz",
        x_train=images(8),
        y_train=np.arange(8),
        x_test=images(3),
        y_test=np.arange(3),
    )
    data = load_data(tmp_path / "d.npz", IMAGE)
    assert (len(data.train), len(data.evaluation(100, 0))) == (8, 3)
    assert len(data.calibration(200, 0)) == 8


def test_arrays_named_after_the_inputs(tmp_path: Path) -> None:
    inputs = [InputSpec("serving_default_a:0", (3,)), InputSpec("b", (2,))]
    np.savez(tmp_path / "d.npz", b=np.ones((5, 2)), a=np.zeros((5, 3)))
    data = load_data(tmp_path / "d.npz", inputs)
    assert [array.shape for array in data.train.arrays()] == [(5, 3), (5, 2)]


def test_npy_and_missing_channel_axis(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", images()[..., 0])
    data = load_data(str(tmp_path / "d.npy"), IMAGE)
    assert data.train.arrays()[0].shape == (10, 4, 4, 1) and data.y is None


def test_csv_with_words_as_labels(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,b,y,c\n1,2,no,3\n4,5,yes,6\n7,8,no,9\n")
    data = load_data(tmp_path / "d.csv", FLAT)
    assert data.classes == ("no", "yes")
    assert data.y is not None and data.y.tolist() == [0, 1, 0]
    assert data.train.arrays()[0].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_csv_without_header_unfolds_samples(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "d.csv", images(2).reshape(2, -1), delimiter=",")
    data = load_data(tmp_path / "d.csv", IMAGE)
    assert np.allclose(data.train.arrays()[0], images(2))


@pytest.mark.parametrize("packed", [False, True])
def test_class_folders_of_images(packed: bool, tmp_path: Path) -> None:
    for name in ("enclosing/cat/1.png", "enclosing/cat/2.png", "enclosing/ant/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), 7, np.uint8)).save(tmp_path / name)
    source = tmp_path
    if packed:
        source = tmp_path / "d.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for file in sorted((tmp_path / "enclosing").rglob("*.png")):
                archive.write(file, file.relative_to(tmp_path))
    data = load_data(source, IMAGE)
    assert data.classes == ("ant", "cat")
    chosen = data.train.take([0, 1])
    assert chosen.y is not None and chosen.y.tolist() == [0, 1]
    assert chosen.arrays()[0].dtype == np.uint8 and chosen.arrays()[0].shape == (2, 4, 4, 1)
    assert not data.warnings


def test_images_of_another_size_are_resized_and_said_so(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Image.fromarray(np.zeros((9, 5, 3), np.uint8)).save(tmp_path / "a" / "1.png")
    data = load_data(tmp_path, IMAGE)
    assert data.train.arrays()[0].shape == (1, 4, 4, 1)
    assert "5x9" in data.warnings[0]


def test_wav_files_are_cut_and_padded(tmp_path: Path) -> None:
    for name, length in (("a/long", 6), ("b/short", 2)):
        (tmp_path / name).parent.mkdir()
        with wave.open(str(tmp_path / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(np.full(length, 16384, "<i2").tobytes())
    data = load_data(tmp_path, FLAT)
    assert data.train.arrays()[0].tolist() == [[0.5, 0.5, 0.5], [0.5, 0.5, 0.0]]


def test_a_function_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_samples.py").write_text(
        "import numpy as np\ndef load():\n    return np.ones((4, 3)), np.eye(4)[[0, 2, 1, 3]]\n"
    )
    monkeypatch.chdir(tmp_path)
    data = load_data("my_samples:load", FLAT)
    assert data.y is not None and data.y.tolist() == [0, 2, 1, 3]


def test_live_arrays_pairs_and_dicts() -> None:
    x = np.ones((4, 3))
    assert len(load_data(x, FLAT).train) == 4
    assert load_data((x, [0, 1, 0, 1]), FLAT).train.labelled
    assert load_data({"x": x, "y": np.zeros(4)}, FLAT).train.labelled
    assert not load_data((x, np.full((4, 2), 0.5)), FLAT).train.labelled


BAD = {
    "shape": (np.ones((4, 5)), "samples of shape (5)"),
    "empty": (np.ones((0, 3)), "is empty"),
    "nan": (np.array([[1, 2, 3], [1, np.nan, 3]]), "NaN (first in sample 1)"),
    "infinite": (np.array([[1, np.inf, 3]]), "infinite"),
    "words": (np.array([["a", "b", "c"]]), "dtype <U1"),
    "labels": ((np.ones((4, 3)), [1, 2]), "2 labels for 4 samples"),
    "arrays": ({"a": np.ones((4, 3)), "b": np.ones(4)}, "holds the arrays a, b"),
}


@pytest.mark.parametrize("case", BAD)
def test_data_that_do_not_fit(case: str) -> None:
    value, words = BAD[case]
    with pytest.raises(EdgekitError) as caught:
        load_data(value, FLAT)
    assert words in str(caught.value)
    assert caught.value.hint and caught.value.exit_code == 2 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.npz", b"PK\x03\x04 and then nothing"),
        ("cut.npy", b"\x93NUMPY"),
        ("notes.txt", b"hello"),
        ("ragged.csv", b"1,2,3\n4,5\n"),
        ("text.csv", b"1,2,3\n4,five,6\n"),
        ("empty.csv", b""),
        ("cut.zip", b"PK"),
    ],
)
def test_files_that_cannot_be_read(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EdgekitError) as caught:
        load_data(tmp_path / name, FLAT)
    assert caught.value.hint and name in str(caught.value)


@pytest.mark.parametrize("spec", ["missing.npz", "no_such_module:load", "os:no_such_function"])
def test_names_of_nothing(spec: str) -> None:
    with pytest.raises(EdgekitError):
        load_data(spec, FLAT)


def numbered(count: int, labelled: bool = True) -> Dataset:
    x = np.arange(count, dtype=np.float32)[:, None]
    return Dataset(Split([x], np.zeros(count, np.int64) if labelled else None))


@pytest.mark.parametrize("count", [3, 150, 299, 1000])
def test_calibration_and_evaluation_share_no_sample(count: int) -> None:
    data = numbered(count)
    calibration = set(data.calibration(200, 7).arrays()[0].ravel())
    evaluation = set(data.evaluation(100, 7, calibrated=200).arrays()[0].ravel())
    assert calibration and evaluation and not calibration & evaluation


def test_the_choice_is_seeded() -> None:
    data = numbered(50)
    first, again, other = (data.calibration(10, seed).arrays()[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_unlabelled_data_all_calibrate() -> None:
    assert len(numbered(150, labelled=False).calibration(200, 0)) == 150


def test_constant_calibration_data_are_refused() -> None:
    with pytest.raises(EdgekitError, match="are 0"):
        check_not_constant([np.zeros((5, 3))], "data")


def test_generated_inputs_cover_a_quantized_range() -> None:
    spec = [InputSpec("x", (1000,), "int8", low=-2.0, high=6.0)]
    x = generated(spec, 5, 0).train.arrays()[0]
    assert -2 <= x.min() < -1.9 and 5.9 < x.max() <= 6
    assert np.array_equal(x, generated(spec, 5, 0).train.arrays()[0])


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 255.0)])
def test_data_of_another_scale_are_refused(low: float, high: float) -> None:
    spec = [InputSpec("x", (100,), "int8", low=low, high=high)]
    data = np.random.default_rng(0).random((4, 100)).astype(np.float32)
    check_range([data * high], spec, "data")
    with pytest.raises(EdgekitError, match="was quantized for"):
        check_range([data * (256.0 - high)], spec, "data")


def test_open_sides_come_from_the_data() -> None:
    inputs = [InputSpec("image", (None, None, 3))]
    data = load_data(np.ones((2, 8, 6, 3)), inputs)
    assert closed_inputs(inputs, data)[0].shape == (8, 6, 3)
    with pytest.raises(EdgekitError, match="open shape") as caught:
        closed_inputs(inputs, None)
    assert "--data" in caught.value.hint
