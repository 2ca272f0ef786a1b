# SPDX-License-Identifier: Apache-2.0
"""A firmware project to .elf, .bin and .hex, by the project's own Makefile."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgekit.artifacts import temporary_beside
from edgekit.boards import Board
from edgekit.build.size import Sizes, check_limits, elf_sizes
from edgekit.build.toolchain import Compiler, find_compiler
from edgekit.errors import EdgekitError
from edgekit.tools import ToolFailed, last_lines, run_tool

# Generated models of a megabyte of weights compile in seconds; a slow computer gets its time.
BUILD_TIMEOUT_S = 900.0

_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build left in `<project>/build`. `bin` and `hex` are None for a host program.

    `model_flash_bytes` is the firmware's flash minus that of the same app with an empty model.
    `limits` is `{flash_bytes, ram_bytes}` of the board.
    """

    elf: Path
    bin: Path | None
    hex: Path | None
    empty_elf: Path
    flash_bytes: int
    ram_bytes: int
    model_flash_bytes: int
    sections: dict[str, int]
    limits: dict[str, int]
    compiler: str


def build_firmware(folder: Path, board: Board, *, sanitize: bool = False) -> BuildResult:
    """Build the project in `folder` for `board` into `folder/build`.

    An old build stays as it was until the new one is whole and fits. `sanitize` (host boards)
    adds address and undefined-behaviour checks. Raises ToolMissing, LimitBroken with numbers,
    or EdgekitError with the compiler's last lines and the place of its full log.
    """
    if not (folder / "Makefile").is_file():
        raise EdgekitError(
            f"'{folder}' is not a firmware project: it has no Makefile",
            hint="edgekit firmware MODEL -o FOLDER writes one",
        )
    if sanitize and board.build.toolchain != "host":
        raise EdgekitError(
            f"checks of addresses and undefined behaviour do not exist for {board.id}",
            hint="use them on the board 'native'",
        )
    compiler = find_compiler(board.build.toolchain)
    with temporary_beside(folder / "build") as temporary:
        _make(folder, temporary, board, sanitize=sanitize)
        sizes = elf_sizes(temporary / "firmware.elf", board)
        check_limits(sizes.flash_bytes, sizes.ram_bytes, board)
        empty = elf_sizes(temporary / "empty.elf", board)
        _take_over(temporary, folder / "build")
    return _result(folder / "build", board, sizes, empty, compiler)


def _make(folder: Path, target: Path, board: Board, *, sanitize: bool) -> None:
    # MAKEFLAGS of a surrounding make (make test) would hand down its job server and variables.
    clean = {"MAKEFLAGS": "", "MAKELEVEL": "", "MFLAGS": "", "LC_ALL": "C"}
    options = ["SANITIZE=1"] if sanitize else []
    try:
        run_tool(
            "make",
            f"-j{os.cpu_count() or 1}",
            f"BUILD={target.relative_to(folder.resolve())}",
            *options,
            timeout_s=BUILD_TIMEOUT_S,
            cwd=folder,
            env=clean,
        )
    except ToolFailed as failed:
        _check_overflow(failed.output, board)
        raise _with_log(failed, folder) from None


def _check_overflow(output: str, board: Board) -> None:
    """LimitBroken where the linker ran out of a region, with what it said."""
    over = {name: int(amount) for name, amount in _OVERFLOW.findall(output)}
    used = {"flash": 0, "ram": 0}
    for region in board.memory.regions:
        if region.name in over:
            used[region.kind] += region.length_bytes + over[region.name]
    check_limits(used["flash"], used["ram"], board)


def _with_log(failed: ToolFailed, folder: Path) -> EdgekitError:
    """The failure with the compiler's first error; all that was said goes to a file."""
    handle, name = tempfile.mkstemp(prefix=f"edgekit-{folder.resolve().name}-", suffix=".log")
    with os.fdopen(handle, "w") as log:
        log.write(f"{failed.command}\n{failed.output}")
    lines = failed.output.splitlines()
    first = next((line.strip() for line in lines if "error:" in line or "undefined" in line), "")
    return EdgekitError(
        f"the firmware in '{folder}' does not compile: {first or last_lines(failed.output)}",
        hint=f"the compiler's full log is {name}",
    )


def _take_over(source: Path, target: Path) -> None:
    """Put the new build `source` in place of the folder `target`; a person's own files stay."""
    shutil.rmtree(source / "obj", ignore_errors=True)
    (source / "flags").unlink(missing_ok=True)
    for listing in source.glob("*.map"):
        listing.write_text(listing.read_text().replace(source.name, target.name))
    source.chmod(0o755)
    old = source.with_name(f"{source.name}-old")
    if target.exists():
        target.rename(old)
    source.rename(target)
    if old.exists():
        for path in [path for path in old.iterdir() if not _is_product(path)]:
            path.rename(target / path.name)
        shutil.rmtree(old)


def _is_product(path: Path) -> bool:
    """Whether the Makefile or edgekit itself wrote `path` in a build folder."""
    return path.stem in ("firmware", "empty") or path.name in ("obj", "flags", "build.json")


def _result(
    folder: Path, board: Board, sizes: Sizes, empty: Sizes, compiler: Compiler
) -> BuildResult:
    images = {kind: folder / f"firmware.{kind}" for kind in ("bin", "hex")}
    return BuildResult(
        elf=folder / "firmware.elf",
        bin=images["bin"] if images["bin"].is_file() else None,
        hex=images["hex"] if images["hex"].is_file() else None,
        empty_elf=folder / "empty.elf",
        flash_bytes=sizes.flash_bytes,
        ram_bytes=sizes.ram_bytes,
        model_flash_bytes=sizes.flash_bytes - empty.flash_bytes,
        sections=sizes.sections,
        limits={
            "flash_bytes": board.memory.flash_bytes,
            "ram_bytes": board.memory.ram_bytes,
        },
        compiler=compiler.version,
    )
