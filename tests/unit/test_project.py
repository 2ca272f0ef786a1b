# SPDX-License-Identifier: Apache-2.0
"""The firmware project as files: what is in it, that it is readable, and the same every time."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.artifacts import hash_tree
from edgekit.boards import Board, all_boards, load_board
from edgekit.emit.project import write_project
from edgekit.errors import EdgekitError

FACTS = {"name": "tiny", "runtime": "aot", "provenance": "edgekit 0.0.0, from tiny.tflite"}
BUILDABLE = [board.id for board in all_boards() if board.buildable]
SOURCES: dict[str, str | bytes] = {"tiny.c": "int tiny;\n", "tiny.tflite": b"\0\xff\r\n"}


def _project(out: Path, board: Board | str = "qemu-mps2-an386", **more: str) -> Path:
    board = load_board(board) if isinstance(board, str) else board
    write_project(out, board, SOURCES, **{**FACTS, **more})
    return out


@pytest.mark.parametrize("board", BUILDABLE)
def test_the_same_project_has_the_same_bytes(tmp_path: Path, board: str) -> None:
    one, two = _project(tmp_path / "one", board), _project(tmp_path / "two", board)
    assert hash_tree(one) == hash_tree(two)


@pytest.mark.parametrize("board", BUILDABLE)
def test_nothing_of_this_computer_or_this_day_is_in_it(tmp_path: Path, board: str) -> None:
    for path in _project(tmp_path / "fw", board).rglob("*"):
        if path.is_file() and path.suffix != ".tflite":
            text = path.read_text()
            assert str(tmp_path) not in text
            assert "{{" not in text and "{%" not in text
            assert not re.search(r"\b20\d\d-\d\d-\d\d\b", text)


def test_sources_arrive_byte_for_byte(tmp_path: Path) -> None:
    out = _project(tmp_path)
    assert (out / "model" / "tiny.tflite").read_bytes() == SOURCES["tiny.tflite"]
    assert (out / "model" / "tiny.c").read_text() == SOURCES["tiny.c"]


def test_a_project_holds_what_its_board_needs_and_no_more(tmp_path: Path) -> None:
    arm, host = _project(tmp_path / "arm"), _project(tmp_path / "host", "native")
    ports = {folder: sorted(p.name for p in (folder / "port").iterdir()) for folder in (arm, host)}
    assert ports[arm] == ["cortex_m", "ek_port.h", "mps2"]
    assert ports[host] == ["ek_port.h", "native"]
    assert (arm / "memory.ld").is_file()
    assert not (host / "memory.ld").exists()
    for folder in (arm, host):
        for name in ("Makefile", "README.md", "ek_board.h", "board.toml", "app/main.c"):
            assert (folder / name).is_file(), name


def test_the_board_in_the_project_is_the_board(tmp_path: Path) -> None:
    out = _project(tmp_path)
    original = load_board("qemu-mps2-an386")
    assert replace(load_board(out / "board.toml"), file=None) == replace(original, file=None)


def test_the_board_header_has_every_define(tmp_path: Path) -> None:
    header = (_project(tmp_path, "qemu-mps2-an505") / "ek_board.h").read_text()
    assert '#define EK_BOARD_ID "qemu-mps2-an505"' in header
    assert "#define EK_UART_BASE 0x50200000u" in header
    assert "#define EK_UART_RX_IRQ 32u" in header
    assert re.search(r'#define EK_BUILD_ID "[0-9a-f]{16}"', header)


def test_text_defines_are_c_strings(tmp_path: Path) -> None:
    board = load_board("native")
    build = replace(board.build, defines={"EK_WORD": 'a "b" \\c'})
    header = (_project(tmp_path / "a", replace(board, build=build)) / "ek_board.h").read_text()
    assert r'#define EK_WORD "a \"b\" \\c"' in header
    build = replace(board.build, defines={"EK_WORD": "é"})
    with pytest.raises(EdgekitError, match="'EK_WORD' holds characters"):
        _project(tmp_path / "b", replace(board, build=build))


def test_the_linker_sees_the_regions(tmp_path: Path) -> None:
    script = (_project(tmp_path, "qemu-mps3-an547") / "memory.ld").read_text()
    assert "FLASH (rx) : ORIGIN = 0x00000000, LENGTH = 524288" in script
    assert "RAM (rwx) : ORIGIN = 0x31000000, LENGTH = 4194304" in script


def _build_id(folder: Path) -> str:
    return (folder / "ek_board.h").read_text().partition("EK_BUILD_ID ")[2].split()[0]


def test_the_build_id_follows_the_sources(tmp_path: Path) -> None:
    board = load_board("native")
    write_project(tmp_path / "a", board, {"m.c": "int a;\n"}, **FACTS)
    write_project(tmp_path / "b", board, {"m.c": "int b;\n"}, **FACTS)
    assert _build_id(tmp_path / "a") != _build_id(tmp_path / "b")


@pytest.mark.parametrize(("word", "flag"), [("speed", "-O3"), ("balanced", "-O2"), ("size", "-Os")])
def test_optimize_is_a_compiler_flag(tmp_path: Path, word: str, flag: str) -> None:
    assert f"OPTIMIZE = {flag}\n" in (_project(tmp_path, optimize=word) / "Makefile").read_text()


def test_an_unknown_optimization_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="unknown optimization 'fast'") as caught:
        _project(tmp_path / "fw", optimize="fast")
    assert "speed, balanced, size" in caught.value.hint
    assert not (tmp_path / "fw").exists()


def test_a_board_whose_port_does_not_exist(tmp_path: Path) -> None:
    board = load_board("native")
    with pytest.raises(EdgekitError, match="needs the chip port 'zx81'") as caught:
        _project(tmp_path / "fw", replace(board, build=replace(board.build, port="zx81")))
    assert "mps2" in caught.value.hint
