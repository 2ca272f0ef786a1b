# SPDX-License-Identifier: Apache-2.0
"""Boards as test parameters, each with the marks of the tools that it needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from edgekit.boards import Board, all_boards

_MARKS = {
    "arm-none-eabi": pytest.mark.needs_gcc,
    "riscv64-unknown-elf": pytest.mark.needs_riscv,
    "qemu-system-arm": pytest.mark.needs_qemu,
    "qemu-system-riscv32": pytest.mark.needs_qemu_riscv,
}


def board_params(boards: Iterable[Board]) -> list[Any]:
    """`pytest.param`s of their ids."""
    return [pytest.param(board.id, marks=list(_marks(board)), id=board.id) for board in boards]


def _marks(board: Board) -> Iterable[Any]:
    programs = [board.build.toolchain, board.emulator.program if board.emulator else ""]
    return (_MARKS[program] for program in programs if program in _MARKS)


def buildable(*, least_ram_bytes: int = 0) -> list[Board]:
    """Boards that edgekit has a chip port for, with at least so much RAM."""
    return [
        board
        for board in all_boards()
        if board.buildable and board.memory.ram_bytes >= least_ram_bytes
    ]


def emulated(*, least_ram_bytes: int = 0) -> list[Board]:
    """Of these, those that QEMU runs."""
    return [b for b in buildable(least_ram_bytes=least_ram_bytes) if b.kind == "emulated"]
