# SPDX-License-Identifier: Apache-2.0
"""The size of a model's firmware, whether a board has room for it or not."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.boards import Board

if TYPE_CHECKING:
    from edgekit.lower.program import Program

ROOM_BYTES = 64 << 20  # of each region while measuring: what does not fit has a size as well


def built_bytes(program: Program, board: Board, optimize: str) -> tuple[int, int]:
    """Flash and RAM in bytes of the whole firmware."""
    from edgekit.build.firmware import build_firmware
    from edgekit.emit.aot import aot_sources
    from edgekit.emit.project import write_project

    wide = roomy(board)
    with tempfile.TemporaryDirectory(prefix="edgekit-fit-") as name:
        folder = Path(name)
        sources: dict[str, str | bytes] = dict(aot_sources(program, "fit", "fit"))
        write_project(
            folder, wide, sources, name="fit", runtime="aot", provenance="fit", optimize=optimize
        )
        built = build_firmware(folder, wide)
    return built.flash_bytes, built.ram_bytes


def roomy(board: Board) -> Board:
    """`board` with more memory than it has, each region as long as the next one lets it be."""
    starts = sorted(region.origin for region in board.memory.regions)
    regions = []
    for region in board.memory.regions:
        following = [start for start in starts if start > region.origin]
        free = min(ROOM_BYTES, *(start - region.origin for start in following), 1 << 62)
        wider = max(region.length_bytes, free)
        regions.append(dataclasses.replace(region, length_bytes=wider))
    memory = dataclasses.replace(
        board.memory, flash_bytes=ROOM_BYTES, ram_bytes=ROOM_BYTES, regions=tuple(regions)
    )
    return dataclasses.replace(board, memory=memory)
