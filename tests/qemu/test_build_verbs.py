# SPDX-License-Identifier: Apache-2.0
"""firmware and build as a user calls them: records, refusals, and folders that are rewritten."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit.artifacts import sha256_file
from edgekit.boards import load_board
from edgekit.errors import EdgekitError
from tests.support.tflite_builder import ModelBuilder

GCC = pytest.mark.needs_gcc


def _tflite(path: Path, *, units: int = 3) -> Path:
    """A dense layer of 8 inputs and a softmax, int8."""
    builder = ModelBuilder()
    weights = np.arange(units * 8, dtype=np.int8).reshape(units, 8)
    x = builder.input((1, 8), scale=0.1, zero_point=-1)
    w = builder.constant(weights, scale=0.02)
    b = builder.constant(np.zeros(units, np.int32), scale=0.002)
    y = builder.op("FULLY_CONNECTED", [x, w, b], (1, units), scale=0.2)
    z = builder.op("SOFTMAX", [y], (1, units), scale=1 / 256, zero_point=-128)
    path.write_bytes(builder.finish([z]))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return _tflite(tmp_path / "small-model.tflite")


def test_the_record_says_what_is_in_the_project(tmp_path: Path, model: Path) -> None:
    record = edgekit.firmware(model, out=tmp_path / "fw")
    assert (record.board, record.runtime, record.name) == ("qemu-mps2-an386", "aot", "small_model")
    assert record.model_sha256 == sha256_file(model) == sha256_file(record.tflite)
    assert record.project == tmp_path / "fw"
    for index, place in record.plan.items():
        assert 0 <= place["offset"] <= record.arena_bytes - place["bytes"], index
        assert place["first"] <= place["last"]
    written = json.loads((tmp_path / "fw" / "firmware.json").read_text())
    assert written["tflite"] == "model/small_model.tflite"
    assert written["project"] == "."
    assert written["plan"] == {str(key): value for key, value in record.plan.items()}
    assert set(written["inputs"].values()) == {record.model_sha256}


@GCC
def test_it_builds_and_the_record_lies_beside_the_elf(tmp_path: Path, model: Path) -> None:
    edgekit.firmware(model, out=tmp_path / "fw", name="kws", board="native")
    record = edgekit.build(tmp_path / "fw", sanitize=True)
    assert record.elf.is_file() and record.bin is None and record.sanitize
    written = json.loads((tmp_path / "fw" / "build" / "build.json").read_text())
    assert written["elf"] == "firmware.elf"
    assert written["flash_bytes"] == record.flash_bytes > record.model_flash_bytes > 0
    assert written["limits"] == {"flash_bytes": 1 << 30, "ram_bytes": 1 << 30}
    assert "firmware.elf" in written["files"]


@GCC
def test_a_rewritten_project_has_no_stale_build(tmp_path: Path, model: Path) -> None:
    edgekit.firmware(model, out=tmp_path / "fw")
    edgekit.build(tmp_path / "fw")
    other = _tflite(tmp_path / "other.tflite", units=5)
    edgekit.firmware(other, out=tmp_path / "fw", board="qemu-mps2-an505")
    assert not (tmp_path / "fw" / "build").exists()
    names = {path.name for path in (tmp_path / "fw" / "model").iterdir()}
    assert "other.tflite" in names and "small_model.tflite" not in names
    assert edgekit.build(tmp_path / "fw").board == "qemu-mps2-an505"


def test_a_file_that_somebody_changed_is_not_overwritten(tmp_path: Path, model: Path) -> None:
    edgekit.firmware(model, out=tmp_path / "fw")
    main = tmp_path / "fw" / "app" / "main.c"
    main.write_text("/* mine */\n")
    with pytest.raises(EdgekitError, match=r"changed: app/main\.c"):
        edgekit.firmware(model, out=tmp_path / "fw")
    assert main.read_text() == "/* mine */\n"
    edgekit.firmware(model, out=tmp_path / "fw", force=True)
    assert main.read_text() != "/* mine */\n"


def test_a_board_of_ones_own(tmp_path: Path, model: Path) -> None:
    text = load_board("qemu-mps2-an386").file.read_text()  # type: ignore[union-attr]
    own = tmp_path / "mine.toml"
    own.write_text(text.replace('id = "qemu-mps2-an386"', 'id = "mine"'))
    assert edgekit.firmware(model, out=tmp_path / "fw", board=own).board == "mine"
    assert load_board(tmp_path / "fw" / "board.toml").id == "mine"


def test_a_convert_folder_is_a_model(tmp_path: Path, model: Path) -> None:
    folder = tmp_path / "kws"
    folder.mkdir()
    model.rename(folder / "kws.tflite")
    (folder / "convert.json").write_text('{"stage": "convert", "tflite": "kws.tflite"}')
    record = edgekit.firmware(folder, out=folder / "fw")
    assert record.name == "kws"
    (folder / "kws.tflite").unlink()
    with pytest.raises(EdgekitError, match="names is gone"):
        edgekit.firmware(folder, out=folder / "fw")


@pytest.mark.parametrize(
    ("asked", "said", "hint"),
    [
        ({"runtime": "tflm", "template": "make"}, "'make' has no runtime 'tflm'", "cmake"),
        ({"template": "cmakes"}, "unknown template 'cmakes'", "cmake"),
        ({"arena_bytes": 1000}, "arena of 1000 bytes is asked for", "--runtime tflm"),
        ({"runtime": "onnx"}, "unknown runtime 'onnx'", "aot, tflm"),
        ({"board": "qemu-mps2-an387"}, "unknown board", "qemu-mps2-an386"),
        ({"optimize": "fast"}, "unknown optimization 'fast'", "speed"),
        ({"name": "!!!"}, "no name for C", "--name"),
    ],
)
def test_options_that_cannot_be(
    tmp_path: Path, model: Path, asked: dict[str, Any], said: str, hint: str
) -> None:
    with pytest.raises(EdgekitError, match=said) as caught:
        edgekit.firmware(model, out=tmp_path / "fw", **asked)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2
    assert not (tmp_path / "fw").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.keras", b"PK", "is a Keras model"),
        ("model.tflite", b"not one, and long enough", "not a .tflite file"),
        ("none.tflite", None, "No such file"),
        ("folder/x", b"", "there is no record"),
    ],
)
def test_models_that_cannot_be(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EdgekitError, match=said):
        edgekit.firmware(path.parent if name == "folder/x" else path, out=tmp_path / "fw")
    assert not (tmp_path / "fw").exists()


def test_a_truncated_model_writes_nothing(tmp_path: Path, model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-200])
    with pytest.raises(EdgekitError):
        edgekit.firmware(model, out=tmp_path / "fw")
    assert not (tmp_path / "fw").exists()


@GCC
def test_the_arena_and_the_weights_of_real_models_fit(tmp_path: Path, shared: Path) -> None:
    for path in sorted((shared / "models" / "mlperf_tiny").glob("*.tflite")):
        record = edgekit.firmware(path, out=tmp_path / path.stem, board="qemu-mps3-an547")
        built = edgekit.build(record.project)
        assert built.flash_bytes < built.limits["flash_bytes"], path.name
        assert record.arena_bytes < built.ram_bytes < built.limits["ram_bytes"], path.name


@GCC
@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake on PATH: apt-get install cmake")
@pytest.mark.parametrize("board", ["native", "qemu-mps2-an386"])
def test_cmake_builds_what_make_builds(tmp_path: Path, model: Path, board: str) -> None:
    records = {}
    for template in ("make", "cmake"):
        out = tmp_path / template
        assert edgekit.firmware(model, board=board, template=template, out=out).builder == template
        records[template] = edgekit.build(out)
        names = {path.name for path in (out / "build").iterdir()}
        images = set() if board == "native" else {"firmware.bin", "firmware.hex"}
        wanted = {"firmware.elf", "empty.elf", "firmware.map", "empty.map", "build.json"}
        assert names == wanted | images
        assert str(tmp_path).encode() not in (out / "build" / "firmware.elf").read_bytes()
        assert not list(out.glob(".build*"))
    for size in ("flash_bytes", "ram_bytes", "model_flash_bytes"):
        made, cmake_made = (getattr(records[name], size) for name in ("make", "cmake"))
        assert abs(made - cmake_made) <= 256, size
