# SPDX-License-Identifier: Apache-2.0
"""The UF2 file of a build, for the boards whose bootloader takes one."""

from __future__ import annotations

from pathlib import Path

from edgekit.boards import Board


def write_uf2(binary: Path | None, board: Board) -> Path | None:
    """`binary`, which begins where the board's flash does, as a UF2 file beside it; None for a
    board that takes none."""
    from edgekit.flash.uf2 import uf2_image

    families = [flasher.family for flasher in board.flash if flasher.tool == "uf2"]
    if binary is None or not families:
        return None
    path = binary.with_suffix(".uf2")
    address = board.memory.first("flash").origin
    path.write_bytes(uf2_image(binary.read_bytes(), address, families[0]))
    return path
