# SPDX-License-Identifier: Apache-2.0
"""Projects compile without a warning for every board, and what is built fits, or is refused."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.boards import Board, load_board
from edgekit.build.firmware import BuildResult, build_firmware
from edgekit.emit.project import write_project
from edgekit.errors import EdgekitError, LimitBroken
from tests.fakes.app_build import TINY_MODEL
from tests.support.boards import board_params, buildable, emulated

pytestmark = pytest.mark.needs_gcc
FACTS = {"name": "tiny", "runtime": "aot", "provenance": "edgekit 0.0.0, from tiny.tflite"}
# RAM of the app and the tiny model with the smallest stack in use
TINY_RAM_BYTES = 13_500

# Writes nearly all of RAM and reads it back; the output is how many bytes were as written.
WHOLE_RAM = """
#include "ek_model.h"
static uint8_t area[AREA];
static int8_t in[1];
static uint32_t good[1];
static const ek_tensor inputs[] = {{"x", EK_INT8, 1, {1}, 1.0f, 0, 1, in}};
static const ek_tensor outputs[] = {{"y", EK_INT32, 1, {1}, 1.0f, 0, 4, good}};
static int init(void) { return 0; }
static int invoke(void) {
  for (uint32_t i = 0; i < AREA; i++) area[i] = (uint8_t)((i * 2654435761u) >> 24);
  good[0] = 0;
  for (uint32_t i = 0; i < AREA; i++) good[0] += area[i] == (uint8_t)((i * 2654435761u) >> 24);
  return 0;
}
const ek_model ek_the_model = {.name = "whole", .runtime = "aot", .sha256 = "", .input_count = 1,
  .output_count = 1, .op_count = 1, .inputs = inputs, .outputs = outputs, .init = init,
  .invoke = invoke};
"""


def _project(folder: Path, board: Board, source: str = "") -> Path:
    write_project(folder, board, {"tiny.c": source or TINY_MODEL.read_text()}, **FACTS)
    return folder


def _shrunk(board: Board, flash_bytes: int, ram_bytes: int) -> Board:
    """`board` with regions of these lengths."""
    lengths = {"flash": flash_bytes, "ram": ram_bytes}
    regions = tuple(replace(r, length_bytes=lengths[r.kind]) for r in board.memory.regions)
    memory = replace(board.memory, flash_bytes=flash_bytes, ram_bytes=ram_bytes, regions=regions)
    return replace(board, memory=memory)


@pytest.fixture
def board() -> Board:
    return load_board("qemu-mps2-an386")


@pytest.mark.parametrize("name", board_params(buildable(least_ram_bytes=TINY_RAM_BYTES)))
def test_it_builds_for_every_board(tmp_path: Path, name: str) -> None:
    target = load_board(name)
    result = build_firmware(_project(tmp_path / "fw", target), target)
    assert result.elf == tmp_path / "fw" / "build" / "firmware.elf"
    assert 0 < result.model_flash_bytes < result.flash_bytes < target.memory.flash_bytes
    stack_bytes = int(target.build.defines["EK_STACK_BYTES"])
    assert stack_bytes + 9000 < result.ram_bytes < target.memory.ram_bytes
    assert result.limits["flash_bytes"] == target.memory.flash_bytes
    assert "gcc" in result.compiler or "cc" in result.compiler
    assert sorted(path.name for path in (tmp_path / "fw").iterdir() if path.name[0] == ".") == []


def test_the_image_has_the_size_that_was_counted(tmp_path: Path, board: Board) -> None:
    result = build_firmware(_project(tmp_path / "fw", board), board)
    assert result.bin is not None and result.hex is not None
    assert result.flash_bytes <= result.bin.stat().st_size <= result.flash_bytes + 16
    assert result.hex.read_text().startswith(":")


def test_the_empty_app_has_no_model_in_it(tmp_path: Path, board: Board) -> None:
    use = "static int init(void) {\n  if (ek_big[9]) return 1;"
    big = TINY_MODEL.read_text().replace("static int init(void) {", use)
    big = "static const volatile unsigned char ek_big[50000] = {1};\n" + big
    small = build_firmware(_project(tmp_path / "small", board), board)
    large = build_firmware(_project(tmp_path / "large", board, big), board)
    grown = large.model_flash_bytes - small.model_flash_bytes
    assert 50_000 <= grown <= 50_100


def test_building_twice_gives_the_same_bytes(tmp_path: Path, board: Board) -> None:
    one = build_firmware(_project(tmp_path / "one", board), board)
    two = build_firmware(_project(tmp_path / "other" / "two", board), board)
    for name in ("firmware.elf", "firmware.bin", "firmware.map", "empty.elf"):
        assert (one.elf.parent / name).read_bytes() == (two.elf.parent / name).read_bytes(), name


def _built_before(folder: Path, board: Board) -> tuple[BuildResult, bytes]:
    result = build_firmware(_project(folder, board), board)
    return result, result.elf.read_bytes()


def test_an_image_beyond_the_region_is_refused_with_numbers(tmp_path: Path, board: Board) -> None:
    before, elf = _built_before(tmp_path / "fw", board)
    small = _shrunk(board, before.flash_bytes - 100, 1 << 20)
    with pytest.raises(LimitBroken, match=r"does not fit qemu-mps2-an386: flash: .* too much"):
        build_firmware(_project(tmp_path / "fw", small), small)
    assert before.elf.read_bytes() == elf
    assert not list((tmp_path / "fw").glob(".build*"))


def test_data_beyond_the_region_is_refused_with_numbers(tmp_path: Path, board: Board) -> None:
    small = _shrunk(board, 1 << 20, 12_000)
    with pytest.raises(LimitBroken, match=r"RAM: .* of 11\.7 KiB \(12000 bytes\)"):
        build_firmware(_project(tmp_path / "fw", small), small)
    assert not (tmp_path / "fw" / "build").exists()


def test_a_limit_below_the_region_counts_too(tmp_path: Path, board: Board) -> None:
    memory = replace(board.memory, ram_bytes=12_000)
    with pytest.raises(LimitBroken, match=r"RAM: .* of 11\.7 KiB"):
        build_firmware(_project(tmp_path / "fw", board), replace(board, memory=memory))


def test_a_compiler_error_is_shown_and_the_old_build_stays(tmp_path: Path, board: Board) -> None:
    before, elf = _built_before(tmp_path / "fw", board)
    (tmp_path / "fw" / "model" / "tiny.c").write_text("int f(int x) { char c = x; return c; }\n")
    with pytest.raises(
        EdgekitError, match=r"does not compile: model/tiny\.c:1:.*conversion"
    ) as got:
        build_firmware(tmp_path / "fw", board)
    log = Path(got.value.hint.split()[-1])
    assert "-Werror" in log.read_text()
    log.unlink()
    assert before.elf.read_bytes() == elf
    assert got.value.exit_code == 2


def test_a_function_that_is_missing_is_named(tmp_path: Path, board: Board) -> None:
    _project(tmp_path / "fw", board, "int tiny;\n")
    with pytest.raises(EdgekitError, match=r"undefined reference to .ek_the_model") as got:
        build_firmware(tmp_path / "fw", board)
    Path(got.value.hint.split()[-1]).unlink()


def test_a_folder_that_is_no_project(tmp_path: Path, board: Board) -> None:
    with pytest.raises(EdgekitError, match="it has no Makefile"):
        build_firmware(tmp_path, board)


def test_checks_are_for_the_host_alone(tmp_path: Path, board: Board) -> None:
    with pytest.raises(EdgekitError, match="do not exist for qemu-mps2-an386"):
        build_firmware(_project(tmp_path / "fw", board), board, sanitize=True)


def test_checks_are_built_in(tmp_path: Path) -> None:
    native = load_board("native")
    plain = build_firmware(_project(tmp_path / "fw", native), native)
    assert b"__asan_report" not in plain.elf.read_bytes()
    checked = build_firmware(tmp_path / "fw", native, sanitize=True)
    assert b"__asan_report" in checked.elf.read_bytes()


def _make(folder: Path, *args: str) -> str:
    done = subprocess.run(
        ["make", "-j2", *args], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_make_by_hand_builds_what_changed(tmp_path: Path) -> None:
    native = load_board("native")
    folder = _project(tmp_path / "fw", native)
    assert "app/main.c" in _make(folder)
    assert "-c" not in _make(folder)
    header = folder / "app" / "ek_model.h"
    header.write_text(header.read_text() + "\n")
    assert "model/tiny.c" in _make(folder)
    assert "-fsanitize" in _make(folder, "SANITIZE=1")
    assert b"__asan_report" in (folder / "build" / "firmware.elf").read_bytes()
    _make(folder, "clean")
    assert not (folder / "build").exists()


def test_a_file_of_ones_own_in_the_build_folder_stays(tmp_path: Path, board: Board) -> None:
    folder = _project(tmp_path / "fw", board)
    _make(folder)
    (folder / "build" / "notes.txt").write_text("mine")
    build_firmware(folder, board)
    assert (folder / "build" / "notes.txt").read_text() == "mine"
    assert not (folder / "build" / "obj").exists()
    assert not list(folder.glob(".build*"))


def test_a_make_around_it_does_not_reach_in(
    tmp_path: Path, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKEFLAGS", "n -- BUILD=elsewhere CC=false")
    assert build_firmware(_project(tmp_path / "fw", board), board).elf.is_file()


def test_a_folder_with_blanks_in_its_name(tmp_path: Path, board: Board) -> None:
    assert build_firmware(_project(tmp_path / "my models" / "f w", board), board).elf.is_file()


@pytest.mark.parametrize("name", board_params(emulated()))
def test_all_of_the_memory_is_there(tmp_path: Path, name: str) -> None:
    from edgekit.link.emulator import open_board

    target = load_board(name)
    spare_bytes = int(target.build.defines["EK_STACK_BYTES"]) + 3_072  # stack, and the app's own
    area = target.memory.ram_bytes - spare_bytes
    source = WHOLE_RAM.replace("AREA", f"{area}u")
    result = build_firmware(_project(tmp_path / "fw", target, source), target)
    assert result.ram_bytes > area
    with open_board(target, result.elf) as device:
        hello = device.hello()
        assert hello.board == name
        assert hello.counter == target.time.counter
        assert hello.counter_hz == target.time.clock_hz
        device.load(0, b"\0")
        device.run()
        assert int.from_bytes(device.read_output(0), "little") == area


def test_nothing_is_left_when_make_is_missing(
    tmp_path: Path, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = shutil.which("arm-none-eabi-gcc")
    assert compiler
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "arm-none-eabi-gcc").symlink_to(compiler)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(EdgekitError, match="'make' is not installed") as caught:
        build_firmware(_project(tmp_path / "fw", board), board)
    assert caught.value.exit_code == 3
    assert not list((tmp_path / "fw").glob(".build*"))
