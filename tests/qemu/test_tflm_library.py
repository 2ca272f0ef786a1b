# SPDX-License-Identifier: Apache-2.0
"""TFLM_DIR as people have it: what is missing, of another core or too old is said in one line, by
edgekit and by the project's own FindTFLM.cmake."""

import shutil
import subprocess
from pathlib import Path

import pytest

from edgekit.boards import load_board
from edgekit.build.archive import read_archive
from edgekit.build.tflm import find_tflm, read_version
from edgekit.errors import EdgekitError
from tests.support.rendered import render

pytestmark = pytest.mark.needs_gcc
M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
M3 = ("-mcpu=cortex-m3", "-mthumb", "-mfloat-abi=soft")
M33 = ("-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=hard")
INTERPRETER = "void MicroInterpreter_Invoke(void) {}\n"
CALLS = "void arm_convolve_s8(void); void conv(void) { arm_convolve_s8(); }\n"
HOLDS = "void arm_convolve_s8(void) {}\n"
HEADERS = {
    "tensorflow/lite/micro/micro_interpreter.h": "class MicroInterpreter;\n",
    "tensorflow/lite/micro/micro_mutable_op_resolver.h": "TfLiteStatus AddConv2D() {}\n",
    "flatbuffers/flatbuffers.h": "",
    "fixedpoint/fixedpoint.h": "",
}


def _library(path: Path, flags: tuple[str, ...], *sources: str, compiler: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = []
    for number, text in enumerate(sources):
        source = path.with_name(f"{path.stem}-a-rather-long-name-{number}.c")
        source.write_text(text)
        target = source.with_suffix(".o")
        command = [compiler or "arm-none-eabi-gcc", *flags, "-c", source, "-o", target]
        subprocess.run(command, check=True)
        objects.append(target)
    subprocess.run(["arm-none-eabi-ar", "rc", path, *objects], check=True)
    for each in objects:
        each.unlink()


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    """A vendor's folder: include/ and lib/, with CMSIS-NN in the library."""
    root = tmp_path / "sdk"
    for name, text in HEADERS.items():
        (root / "include" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "include" / name).write_text(text)
    _library(root / "lib" / "libtflm.a", M4, INTERPRETER, CALLS, HOLDS)
    (root / "VERSION").write_text("1.2.3\n")
    return root


def _find(sdk: Path, board: str = "qemu-mps2-an386", methods: tuple[str, ...] = ()) -> str:
    """Kernels, architecture and warnings; or what is said against it."""
    try:
        found = find_tflm(str(sdk), load_board(board), methods)
    except EdgekitError as error:
        assert "\n" not in str(error) and "\n" not in error.hint and error.exit_code == 2
        return str(error)
    return " ".join((found.kernels, found.arch, found.version, *found.warnings))


def test_an_sdk_that_fits(sdk: Path) -> None:
    assert _find(sdk, methods=("AddConv2D",)) == "cmsis-nn v7E-M 1.2.3"
    assert _find(sdk, "qemu-mps2-an500").startswith("cmsis-nn v7E-M")
    assert "slower than it could be" in _find(sdk, "qemu-mps2-an505")


def test_tflms_own_tree_with_several_libraries(sdk: Path) -> None:
    (sdk / "lib").rename(sdk / "old")
    shutil.rmtree(sdk / "old")
    gen = sdk / "gen"
    name = "lib/libtensorflow-microlite.a"
    _library(gen / "a_m33_cmsis_nn" / name, M33, INTERPRETER, CALLS, HOLDS)
    _library(gen / "b_m4" / name, M4, INTERPRETER)
    assert _find(sdk).startswith("reference v7E-M 1.2.3 this TFLite Micro has reference kernels")
    _library(gen / "c_m4_cmsis_nn" / name, M4, INTERPRETER, CALLS, HOLDS)
    assert _find(sdk) == "cmsis-nn v7E-M 1.2.3"
    assert _find(sdk, "qemu-mps2-an505").startswith("cmsis-nn v8-M.mainline")


@pytest.mark.parametrize(
    ("flags", "sources", "board", "said"),
    [
        (M33, (INTERPRETER,), "qemu-mps2-an386", "it is for v8-M.mainline, and cortex-m4 is v7E-M"),
        (M4, (INTERPRETER,), "qemu-mps2-an385", "it is for v7E-M, and cortex-m3 is v7-M"),
        (M3, (INTERPRETER,), "qemu-mps2-an386", "it passes floats in the core's"),
        (M4, (INTERPRETER, CALLS), "qemu-mps2-an386", "it calls CMSIS-NN and does not hold it"),
        (M4, (CALLS, HOLDS), "qemu-mps2-an386", "has no static library of TFLite Micro"),
        (M4, (INTERPRETER,), "native", "it is for ARM"),
    ],
)
def test_a_library_that_does_not_fit(
    sdk: Path, flags: tuple[str, ...], sources: tuple[str, ...], board: str, said: str
) -> None:
    (sdk / "lib" / "libtflm.a").unlink()
    _library(sdk / "lib" / "libtflm.a", flags, *sources)
    assert said in _find(sdk, board)


def test_what_is_missing_is_named(sdk: Path, tmp_path: Path, monkeypatch: object) -> None:
    (sdk / "include" / "flatbuffers" / "flatbuffers.h").unlink()
    (sdk / "include" / "fixedpoint" / "fixedpoint.h").unlink()
    assert "lacks flatbuffers/flatbuffers.h, fixedpoint/fixedpoint.h" in _find(sdk)
    assert "which is no folder" in _find(tmp_path / "nowhere")


def test_no_folder_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFLM_DIR", raising=False)
    with pytest.raises(EdgekitError, match="TFLM_DIR is not set") as caught:
        find_tflm("", load_board("qemu-mps2-an386"))
    assert "--runtime aot" in caught.value.hint


def test_one_that_is_too_old(sdk: Path) -> None:
    assert "has no AddBatchMatMul" in _find(sdk, methods=("AddBatchMatMul", "AddConv2D"))
    header = sdk / "include" / "tensorflow/lite/micro/micro_interpreter.h"
    header.write_text("MicroInterpreter(const Model* model, ErrorReporter* error_reporter);\n")
    assert "is too old" in _find(sdk)


def test_versions_that_can_be_read(tmp_path: Path) -> None:
    assert read_version(tmp_path) == ""
    (tmp_path / "idf_component.yml").write_text('version: "1.4.0"\ndescription: x\n')
    assert read_version(tmp_path) == "1.4.0"
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git" / "packed-refs").write_text(f"# packed\n{'ab' * 20} refs/heads/main\n")
    assert read_version(tmp_path) == "ab" * 6
    (tmp_path / ".git" / "HEAD").write_text("cd" * 20)
    assert read_version(tmp_path) == "cd" * 6


def test_archives_that_are_none(tmp_path: Path) -> None:
    for content in (b"", b"hello", b"!<arch>\n"):
        (tmp_path / "x.a").write_bytes(content)
        with pytest.raises(EdgekitError, match="not a static library"):
            read_archive(tmp_path / "x.a")


def test_names_longer_than_a_header_has_room_for(sdk: Path) -> None:
    names = sorted(read_archive(sdk / "lib" / "libtflm.a"))
    assert names[0] == "libtflm-a-rather-long-name-0.o"


def _configure(project: Path, sdk: Path) -> str:
    if shutil.which("cmake") is None:
        pytest.skip("no cmake on PATH: apt-get install cmake")
    shutil.rmtree(project / "out", ignore_errors=True)
    command = ["cmake", "-G", "Unix Makefiles", "-S", project, "-B", project / "out"]
    done = subprocess.run([*command, f"-DTFLM_DIR={sdk}"], capture_output=True, text=True)
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.skipif(shutil.which("arm-none-eabi-g++") is None, reason="no arm-none-eabi-g++")
def test_cmakes_own_search_says_the_same(sdk: Path, tmp_path: Path) -> None:
    project = render("cmake", "tflm", tmp_path)
    said = _configure(project, sdk)
    assert "libtflm.a, cmsis-nn kernels" in said and "WARNING" not in said.upper(), said
    library = sdk / "lib" / "libtflm.a"
    for flags, sources, words in (
        (M4, (INTERPRETER,), "no optimised kernels: published figures put reference"),
        (M33, (INTERPRETER,), "lacks: a static library for cortex-m4"),
        (M4, (INTERPRETER, CALLS), "calls CMSIS-NN and does not hold it"),
    ):
        library.unlink()
        _library(library, flags, *sources)
        assert words in _configure(project, sdk), words
    (sdk / "include" / "flatbuffers" / "flatbuffers.h").unlink()
    assert "lacks: flatbuffers/flatbuffers.h" in _configure(project, sdk)
    assert "TFLM_DIR is '/nowhere', not a folder" in _configure(project, Path("/nowhere"))
