# SPDX-License-Identifier: Apache-2.0
"""`edgekit.build(folder)`: a firmware project to an ELF that fits its board."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """What was built and what it takes, in bytes. `bin` and `hex` are None for a host program.

    `flash_bytes` is code, constants and the image of initialised data; `ram_bytes` is data and the
    stack's reserve; `model_flash_bytes` is the flash minus that of the same app without a model.
    """

    board: str
    elf: Path
    bin: Path | None
    hex: Path | None
    empty_elf: Path
    flash_bytes: int
    ram_bytes: int
    model_flash_bytes: int
    limits: dict[str, int]
    sections: dict[str, int]
    compiler: str
    sanitize: bool


def build(folder: str | Path, *, sanitize: bool = False) -> BuildRecord:
    """Compile the project that `edgekit.firmware` wrote; the record lies in `build/build.json`.

    `sanitize` (board native) adds address and undefined-behaviour checks. Raises ToolMissing,
    LimitBroken where flash or RAM do not suffice, EdgekitError where it does not compile.
    """
    from edgekit.artifacts import hash_tree, read_record, sha256_file, write_record
    from edgekit.boards import load_board
    from edgekit.build.firmware import build_firmware

    folder = Path(folder)
    # Read first: a folder without this record is not a project that edgekit wrote.
    read_record(folder / "firmware.json")
    board = load_board(folder / "board.toml")
    result = build_firmware(folder, board, sanitize=sanitize)
    record = BuildRecord(
        board=board.id,
        elf=result.elf,
        bin=result.bin,
        hex=result.hex,
        empty_elf=result.empty_elf,
        flash_bytes=result.flash_bytes,
        ram_bytes=result.ram_bytes,
        model_flash_bytes=result.model_flash_bytes,
        limits=result.limits,
        sections=result.sections,
        compiler=result.compiler,
        sanitize=sanitize,
    )
    target = result.elf.parent
    inputs = {"firmware": sha256_file(folder / "firmware.json")}
    write_record(target, "build", record, inputs=inputs, files=hash_tree(target))
    return record
