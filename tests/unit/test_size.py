# SPDX-License-Identifier: Apache-2.0
"""Flash and RAM out of an ELF file's sections, and the words when they are too much."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.boards import Board, load_board
from edgekit.build.size import check_limits, elf_sizes
from edgekit.errors import EdgekitError, LimitBroken

PROGBITS, STRTAB, NOBITS = 1, 3, 8
WRITE, ALLOC, EXEC = 1, 2, 4
RAM = 0x2000_0000


def _elf(sections: list[tuple[str, int, int, int, int]]) -> bytes:
    """A 32-bit ELF of (name, type, flags, address, size); the contents are zeros."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name, *_ in sections) + b".shstrtab\0"
    body, headers = b"", [bytes(40)]
    for name, kind, flags, address, size in sections:
        at = names.index(b"\0" + name.encode() + b"\0") + 1
        fields = (at, kind, flags, address, 52 + len(body), size, 0, 0, 4, 0)
        headers.append(struct.pack("<10I", *fields))
        body += bytes(size) if kind != NOBITS else b""
    at = names.index(b".shstrtab")
    headers.append(struct.pack("<10I", at, STRTAB, 0, 0, 52 + len(body), len(names), 0, 0, 1, 0))
    body += names
    ident = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
    counts = (52, 0, 0, 40, len(headers), len(headers) - 1)
    header = struct.pack("<HHIIIII6H", 2, 40, 1, 0, 0, 52 + len(body), 0, *counts)
    return ident + header + body + b"".join(headers)


@pytest.fixture
def board() -> Board:
    return load_board("qemu-mps2-an386")


def _sizes(tmp_path: Path, board: Board, *sections: tuple[str, int, int, int, int]):  # type: ignore[no-untyped-def]
    path = tmp_path / "firmware.elf"
    path.write_bytes(_elf(list(sections)))
    return elf_sizes(path, board)


def test_data_counts_twice_and_zeroed_data_once(tmp_path: Path, board: Board) -> None:
    sizes = _sizes(
        tmp_path,
        board,
        (".text", PROGBITS, ALLOC | EXEC, 0, 1000),
        (".rodata", PROGBITS, ALLOC, 1000, 500),
        (".data", PROGBITS, ALLOC | WRITE, RAM, 40),
        (".bss", NOBITS, ALLOC | WRITE, RAM + 40, 300),
        (".stack", NOBITS, ALLOC | WRITE, RAM + 400, 2000),
        (".comment", PROGBITS, 0, 0, 77),
    )
    assert sizes.flash_bytes == 1000 + 500 + 40
    assert sizes.ram_bytes == 40 + 300 + 2000
    assert ".comment" not in sizes.sections
    assert sizes.sections[".stack"] == 2000


def test_code_that_runs_from_ram_takes_both(tmp_path: Path, board: Board) -> None:
    stack = (".stack", NOBITS, ALLOC | WRITE, RAM + 400, 8)
    sizes = _sizes(tmp_path, board, (".fast", PROGBITS, ALLOC | EXEC, RAM, 64), stack)
    assert (sizes.flash_bytes, sizes.ram_bytes) == (64, 72)


def test_a_stack_that_is_no_section_counts_by_its_define(tmp_path: Path) -> None:
    native = load_board("native")
    sizes = _sizes(tmp_path, native, (".data", PROGBITS, ALLOC | WRITE, 4096, 16))
    assert sizes.ram_bytes == 16 + int(native.build.defines["EK_STACK_BYTES"])


@pytest.mark.parametrize("content", [b"", b"not an elf", b"\x7fELF" + bytes(30)])
def test_what_is_no_elf_is_said(tmp_path: Path, board: Board, content: bytes) -> None:
    path = tmp_path / "firmware.elf"
    path.write_bytes(content)
    with pytest.raises(EdgekitError, match="not a readable ELF file"):
        elf_sizes(path, board)


def test_an_elf_that_is_not_there(tmp_path: Path, board: Board) -> None:
    with pytest.raises(EdgekitError, match="not a readable ELF file"):
        elf_sizes(tmp_path / "none.elf", board)


def test_what_fits_to_the_byte_fits(board: Board) -> None:
    check_limits(board.memory.flash_bytes, board.memory.ram_bytes, board)


def test_too_much_flash_says_by_how_much_and_what_helps(board: Board) -> None:
    small = replace(board, memory=replace(board.memory, flash_bytes=65_536))
    with pytest.raises(LimitBroken, match="does not fit qemu-mps2-an386") as caught:
        check_limits(70_000, 1, small)
    assert "flash: 68.4 KiB (70000 bytes) of 64.0 KiB" in str(caught.value)
    assert "(4464 bytes) too much" in str(caught.value)
    assert "RAM" not in str(caught.value)
    assert "--optimize size" in caught.value.hint
    assert "qemu-mps2-an385" in caught.value.hint
    assert caught.value.exit_code == 1


def test_too_much_ram_that_no_board_has(board: Board) -> None:
    with pytest.raises(LimitBroken, match=r"RAM: .* too much") as caught:
        check_limits(1, 1 << 31, board)
    assert "smaller input" in caught.value.hint
    assert "take a board" not in caught.value.hint
