# SPDX-License-Identifier: Apache-2.0
"""A firmware project to .elf, .bin and .hex, by the project's own Makefile or CMakeLists.txt."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.artifacts import temporary_beside
from edgekit.boards import Board
from edgekit.build.size import Sizes, check_limits, elf_sizes
from edgekit.build.toolchain import Compiler, find_compiler
from edgekit.errors import EdgekitError
from edgekit.tools import ToolFailed, find_tool, last_lines, run_tool

# Generated models of a megabyte of weights compile in seconds; a slow computer gets its time.
BUILD_TIMEOUT_S = 900.0

_BUILD_FILES = {"make": "Makefile", "cmake": "CMakeLists.txt"}
_CMAKE_TREE = "cmake"
_PRODUCTS = ("firmware", "empty")
_SUFFIXES = (".elf", ".bin", ".hex", ".map")

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


def build_firmware(
    folder: Path,
    board: Board,
    *,
    sanitize: bool = False,
    builder: str = "make",
    variables: Mapping[str, str] | None = None,
) -> BuildResult:
    """Build the project in `folder` for `board` into `folder/build` by `builder` (make or cmake).

    An old build stays as it was until the new one is whole and fits. `sanitize` (host boards)
    adds address and undefined-behaviour checks, `variables` are for CMake. Raises ToolMissing,
    LimitBroken with numbers, or EdgekitError with the compiler's last lines and the place of its
    full log.
    """
    if not (folder / _BUILD_FILES[builder]).is_file():
        raise EdgekitError(
            f"'{folder}' is not a firmware project: it has no {_BUILD_FILES[builder]}",
            hint="edgekit firmware MODEL -o FOLDER writes one",
        )
    if sanitize and board.build.toolchain != "host":
        raise EdgekitError(
            f"checks of addresses and undefined behaviour do not exist for {board.id}",
            hint="use them on the board 'native'",
        )
    compiler = find_compiler(board.build.toolchain)
    with temporary_beside(folder / "build") as temporary:
        steps = {"make": _make_steps, "cmake": _cmake_steps}[builder]
        _run_steps(steps(folder, temporary, sanitize, variables or {}), folder, board)
        _keep_products(temporary)
        sizes = elf_sizes(temporary / "firmware.elf", board)
        check_limits(sizes.flash_bytes, sizes.ram_bytes, board)
        empty = elf_sizes(temporary / "empty.elf", board)
        _take_over(temporary, folder / "build")
    return _result(folder / "build", board, sizes, empty, compiler)


def _make_steps(
    folder: Path, target: Path, sanitize: bool, _: Mapping[str, str]
) -> list[list[str | Path]]:
    options = ["SANITIZE=1"] if sanitize else []
    build = f"BUILD={target.relative_to(folder.resolve())}"
    return [["make", f"-j{os.cpu_count() or 1}", build, *options]]


def _cmake_steps(
    folder: Path, target: Path, sanitize: bool, variables: Mapping[str, str]
) -> list[list[str | Path]]:
    tree = target / _CMAKE_TREE
    options = [f"-D{name}={value}" for name, value in variables.items()]
    options += ["-DSANITIZE=ON"] if sanitize else []
    return [
        ["cmake", "-G", "Unix Makefiles", "-S", folder.resolve(), "-B", tree, *options],
        ["cmake", "--build", tree, "--parallel", str(os.cpu_count() or 1)],
    ]


def _run_steps(steps: list[list[str | Path]], folder: Path, board: Board) -> None:
    # MAKEFLAGS of a surrounding make (make test) would hand down its job server and variables.
    clean = {"MAKEFLAGS": "", "MAKELEVEL": "", "MFLAGS": "", "LC_ALL": "C"}
    find_tool("make")
    for name, *args in steps:
        try:
            run_tool(str(name), *args, timeout_s=BUILD_TIMEOUT_S, cwd=folder, env=clean)
        except ToolFailed as failed:
            _check_overflow(failed.output, board)
            raise _with_log(failed, folder) from None


def _keep_products(target: Path) -> None:
    """Of CMake's tree, which holds full paths, only what was built is kept."""
    tree = target / _CMAKE_TREE
    for path in sorted(tree.glob("*")):
        if path.is_file() and path.stem in _PRODUCTS and path.suffix in _SUFFIXES:
            path.rename(target / path.name)
    shutil.rmtree(tree, ignore_errors=True)


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
    first = next((line.strip() for line in lines if _is_error(line)), "")
    return EdgekitError(
        f"the firmware in '{folder}' does not compile: {first or last_lines(failed.output)}",
        hint=f"the compiler's full log is {name}",
    )


def _is_error(line: str) -> bool:
    return any(word in line for word in ("error:", "undefined", "CMake Error"))


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
    return path.stem in _PRODUCTS or path.name in ("obj", "flags", "build.json")


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
