# SPDX-License-Identifier: Apache-2.0
"""The firmware project: a folder that a person can open, read and `make`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgekit.artifacts import hash_tree
from edgekit.boards import Board
from edgekit.errors import EdgekitError
from edgekit.resources import resource_dir

OPTIMIZE_FLAGS = {"speed": "-O3", "balanced": "-O2", "size": "-Os"}

# Start-up code that ports of one toolchain share.
_SHARED_PORTS = {"arm-none-eabi": ("cortex_m",), "host": ()}


def write_project(
    out: Path,
    board: Board,
    sources: Mapping[str, str | bytes],
    *,
    name: str,
    runtime: str,
    provenance: str,
    optimize: str = "balanced",
) -> None:
    """Write the project of model `name` for `board` to the folder `out`.

    `sources` (file name -> content) go to `model/`: C that defines `ek_the_model`, and the
    .tflite file. `provenance` is one line: tool, version, input. The same arguments give the
    same bytes. Raises EdgekitError for an unknown `optimize` or a port that does not exist.
    """
    if optimize not in OPTIMIZE_FLAGS:
        raise EdgekitError(
            f"unknown optimization '{optimize}'", hint=f"one of: {', '.join(OPTIMIZE_FLAGS)}"
        )
    _copy_firmware(out, board)
    (out / "model").mkdir(parents=True, exist_ok=True)
    for file_name, content in sources.items():
        data = content.encode() if isinstance(content, str) else content
        (out / "model" / file_name).write_bytes(data)
    facts = {
        "board": board,
        "host": board.build.toolchain == "host",
        "name": name,
        "optimize_flag": OPTIMIZE_FLAGS[optimize],
        "ports": _ports(board),
        "prefix": f"{board.build.toolchain}-",
        "provenance": provenance,
        "runtime": runtime,
    }
    _write_generated(out, board, facts)


def _ports(board: Board) -> tuple[str, ...]:
    return (board.build.port, *_SHARED_PORTS[board.build.toolchain])


def _copy_firmware(out: Path, board: Board) -> None:
    """app/, runtime/, and of port/ what this board needs."""
    firmware = resource_dir("firmware")
    ports = _ports(board)
    if not (firmware / "port" / board.build.port).is_dir():
        known = sorted(path.name for path in (firmware / "port").iterdir() if path.is_dir())
        raise EdgekitError(
            f"board '{board.id}' needs the chip port '{board.build.port}', which does not exist",
            hint=f"chip ports: {', '.join(known)}",
        )
    wanted = [*_c_files(firmware / "app"), *_c_files(firmware / "runtime")]
    wanted += [path for port in ports for path in _c_files(firmware / "port" / port)]
    wanted += sorted((firmware / "port").glob("*.h"))
    for path in wanted:
        _copy_file(path, out / path.relative_to(firmware))


def _c_files(folder: Path) -> list[Path]:
    kinds = {".c", ".h", ".ld", ".S"}
    return sorted(path for path in folder.rglob("*") if path.suffix in kinds)


def _copy_file(source: Path, target: Path) -> None:
    """The bytes alone: an installed package's read-only mode or date is not the project's."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


def _write_generated(out: Path, board: Board, facts: dict[str, Any]) -> None:
    if board.file is not None:
        _copy_file(board.file, out / "board.toml")
    (out / "Makefile").write_text(_render("Makefile.jinja", facts))
    (out / "README.md").write_text(_render("README.md.jinja", facts))
    if board.memory.regions:
        (out / "memory.ld").write_text(_render("memory.ld.jinja", facts))
    defines = [(key, _c_value(key, value)) for key, value in board.build.defines.items()]
    facts |= {"defines": defines, "build_id": _build_id(out)}
    (out / "ek_board.h").write_text(_render("ek_board.h.jinja", facts))


def _build_id(out: Path) -> str:
    """16 hex digits that change with any file of the project."""
    tree = {path: digest for path, digest in hash_tree(out).items() if path != "ek_board.h"}
    return hashlib.sha256(repr(sorted(tree.items())).encode()).hexdigest()[:16]


def _c_value(name: str, value: int | str) -> str:
    """`value` as a C constant: unsigned, in hex where `name` says that it is an address."""
    if isinstance(value, int):
        return f"{value:#010x}u" if name.endswith("_BASE") else f"{value}u"
    if not value.isascii() or not value.isprintable():
        raise EdgekitError(
            f"board.toml [build.defines]: '{name}' holds characters that C cannot take as they are",
            hint="use printable ASCII",
        )
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _render(template: str, facts: Mapping[str, Any]) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_dir("firmware") / "templates" / "make"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template(template).render(facts)
