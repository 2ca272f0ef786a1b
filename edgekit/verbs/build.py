# SPDX-License-Identifier: Apache-2.0
"""`edgekit.build(folder)`: a firmware project to an ELF that fits its board."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.boards import Board
    from edgekit.build.tflm import TflmLibrary


@dataclass(frozen=True, slots=True)
class TflmUse:
    """The TFLite Micro that was linked. `version` is a commit or a package's, "" where none can
    be read; `kernels` is "reference" or "cmsis-nn", `arch` what the library was compiled for."""

    version: str
    kernels: str
    arch: str
    library_sha256: str


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """What was built and what it takes, in bytes. `bin` and `hex` are None for a host program,
    `uf2` where the board's bootloader takes none.

    `flash_bytes` is code, constants and the image of initialised data; `ram_bytes` is data and the
    stack's reserve; `model_flash_bytes` is the flash minus that of the same app without a model.
    """

    board: str
    elf: Path
    bin: Path | None
    hex: Path | None
    uf2: Path | None
    empty_elf: Path
    flash_bytes: int
    ram_bytes: int
    model_flash_bytes: int
    limits: dict[str, int]
    sections: dict[str, int]
    compiler: str
    sanitize: bool
    tflm: TflmUse | None
    warnings: tuple[str, ...]


def build(folder: str | Path, *, sanitize: bool = False, tflm_dir: str | Path = "") -> BuildRecord:
    """Compile the project that `edgekit.firmware` wrote; the record lies in `build/build.json`.

    `sanitize` (board native) adds address and undefined-behaviour checks; `tflm_dir` holds
    TFLite Micro's headers and library (default: the environment's TFLM_DIR). Raises ToolMissing,
    LimitBroken where flash or RAM do not suffice, EdgekitError where it does not compile, where
    TFLite Micro is not there or of another core, or the platform's own tool has to build it.
    """
    from edgekit.artifacts import hash_tree, read_record, sha256_file, write_record
    from edgekit.boards import load_board
    from edgekit.build.firmware import build_firmware
    from edgekit.verbs._uf2 import write_uf2

    folder = Path(folder)
    # Read first: a folder without this record is not a project that edgekit wrote.
    project = read_record(folder / "firmware.json")
    _check_builder(folder, project)
    board = load_board(folder / "board.toml")
    library = _find_tflm(project, board, str(tflm_dir))
    result = build_firmware(
        folder,
        board,
        sanitize=sanitize,
        builder=project.get("builder", "make"),
        variables=_variables(library),
    )
    record = BuildRecord(
        board=board.id,
        elf=result.elf,
        bin=result.bin,
        hex=result.hex,
        uf2=write_uf2(result.bin, board),
        empty_elf=result.empty_elf,
        flash_bytes=result.flash_bytes,
        ram_bytes=result.ram_bytes,
        model_flash_bytes=result.model_flash_bytes,
        limits=result.limits,
        sections=result.sections,
        compiler=result.compiler,
        sanitize=sanitize,
        tflm=_use(library),
        warnings=library.warnings if library else (),
    )
    target = result.elf.parent
    inputs = {"firmware": sha256_file(folder / "firmware.json")}
    write_record(target, "build", record, inputs=inputs, files=hash_tree(target))
    return record


def _check_builder(folder: Path, project: dict[str, Any]) -> None:
    if project.get("builder", "make"):
        return
    raise EdgekitError(
        f"'{folder}' is a project of the template '{project['template']}', which its platform's "
        "own tool builds",
        hint=f"its README.md says how: {folder / 'README.md'}",
    )


def _find_tflm(project: dict[str, Any], board: Board, directory: str) -> TflmLibrary | None:
    if project["runtime"] != "tflm":
        return None
    from edgekit.build.tflm import find_tflm
    from edgekit.build.toolchain import find_cpp_compiler
    from edgekit.emit.op_resolver import resolver_method

    find_cpp_compiler(board.build.toolchain)
    methods = {resolver_method(row["op"]) for row in project["ops"]}
    return find_tflm(directory, board, sorted(methods - {""}))


def _variables(library: TflmLibrary | None) -> dict[str, str]:
    """What CMake's FindTFLM needs to take the very library that was checked."""
    if library is None:
        return {}
    return {
        "TFLM_DIR": str(library.root),
        "TFLM_LIBRARY": str(library.library),
        "TFLM_VERSION": library.version,
    }


def _use(library: TflmLibrary | None) -> TflmUse | None:
    if library is None:
        return None
    return TflmUse(library.version, library.kernels, library.arch, library.sha256)
