# SPDX-License-Identifier: Apache-2.0
"""The firmware project: a folder that a person can open, read and build, made from a template."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.artifacts import hash_tree
from edgekit.boards import Board
from edgekit.emit.template import Template, check_template, load_template, platform_name
from edgekit.errors import EdgekitError
from edgekit.resources import resource_dir

OPTIMIZE_FLAGS = {"speed": "-O3", "balanced": "-O2", "size": "-Os"}

# Start-up code that ports of one toolchain share.
_SHARED_PORTS = {"arm-none-eabi": ("cortex_m",)}
# The C library of each cross compiler: its small form, and no operating system below it.
_LIBRARY_FLAGS = {"arm-none-eabi": "--specs=nano.specs --specs=nosys.specs"}
_C_FILES = (".c", ".cpp", ".h", ".ld", ".S")
_SOURCES = (".c", ".cpp")
# Every project has it, whichever the template: it is rendered last, with the others' hash in it.
_BOARD_HEADER = "ek_board.h"
# Part of the app only where a task of MLPerf Tiny is asked for.
_TEXT_FILES = "ek_text"


@dataclass(frozen=True, slots=True)
class Firmware:
    """What goes into a project besides the template and the board.

    `sources` (file name -> content) are the model's: C that defines `ek_the_model` (for tflm: what
    ek_model_tflm.cpp includes), and the .tflite file. `provenance` is one line: tool, version,
    input. `facts` are further values for the template.
    """

    name: str
    runtime: str
    provenance: str
    sources: Mapping[str, str | bytes]
    optimize: str = "balanced"
    facts: Mapping[str, Any] | None = None


def write_project(
    out: Path,
    board: Board,
    sources: Mapping[str, str | bytes],
    *,
    name: str,
    runtime: str,
    provenance: str,
    optimize: str = "balanced",
    template: str = "make",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write the project of model `name` for `board` to the folder `out`, from `template`.

    The arguments are those of `Firmware`. The same arguments give the same bytes. Raises
    EdgekitError for an unknown `optimize`, a template that is not for the board or the runtime,
    or a port that does not exist.
    """
    check_optimize(optimize)
    kind = load_template(template)
    check_template(kind, board, runtime)
    firmware = Firmware(name, runtime, provenance, sources, optimize, facts)
    _copy_firmware(out, kind, board, firmware)
    _write_template(out, kind, board, firmware)


def check_optimize(optimize: str) -> None:
    """EdgekitError for an aim of optimization that does not exist."""
    if optimize not in OPTIMIZE_FLAGS:
        raise EdgekitError(
            f"unknown optimization '{optimize}'", hint=f"one of: {', '.join(OPTIMIZE_FLAGS)}"
        )


def _ports(board: Board) -> tuple[str, ...]:
    build = board.build
    shared = (*build.drivers, *_SHARED_PORTS.get(build.toolchain, ()))
    return (build.port, *(port for port in shared if port != build.port))


def _copy_firmware(out: Path, template: Template, board: Board, firmware: Firmware) -> None:
    """app/, the runtime's own sources, the model's, and of port/ what this board needs."""
    root = resource_dir("firmware")
    parts = {"app": _app_files(root / "app", firmware)}
    parts["port"] = sorted((root / "port").glob("*.h"))
    runtime = {"aot": "runtime", "tflm": "tflm"}[firmware.runtime]
    parts[runtime] = _c_files(root / runtime)
    if template.chip_port:
        parts["port"] += _port_files(root / "port", board)
    for part, paths in parts.items():
        for path in paths:
            relative = path.relative_to(root / part)
            if f"{part}/{relative}" not in template.without:
                _copy_file(path, out / template.place(part) / relative)
    for file_name, content in firmware.sources.items():
        data = content.encode() if isinstance(content, str) else content
        _write(out / template.place("model") / file_name, data)
    if board.file is not None:
        _copy_file(board.file, out / "board.toml")


def _app_files(app: Path, firmware: Firmware) -> list[Path]:
    text = bool((firmware.facts or {}).get("mlperf"))
    return [path for path in _c_files(app) if text or not path.name.startswith(_TEXT_FILES)]


def _port_files(ports: Path, board: Board) -> list[Path]:
    if not (ports / board.build.port).is_dir():
        known = sorted(path.name for path in ports.iterdir() if path.is_dir())
        raise EdgekitError(
            f"board '{board.id}' needs the chip port '{board.build.port}', which does not exist",
            hint=f"chip ports: {', '.join(known)}",
        )
    return [path for port in _ports(board) for path in _c_files(ports / port)]


def _c_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in _C_FILES)


def _copy_file(source: Path, target: Path) -> None:
    """The bytes alone: an installed package's read-only mode or date is not the project's."""
    _write(target, source.read_bytes())


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _template_files(template: Template, runtime: str) -> dict[str, Path]:
    """Path in the project -> file of the template, for one runtime."""
    found = {}
    for folder in filter(None, (template.platform_files, template.name)):
        base = template.folder.parent / folder
        ports = base.rglob("ek_port_*") if folder != template.name else base.rglob("*")
        for path in sorted(ports):
            relative = str(path.relative_to(base))
            wanted = template.only.get(relative.removesuffix(".jinja"), runtime) == runtime
            if path.is_file() and relative != "template.toml" and wanted:
                found[relative] = path
    return found


def _write_template(out: Path, template: Template, board: Board, firmware: Firmware) -> None:
    facts = _facts(template, board, firmware)
    files = _template_files(template, firmware.runtime)
    plain = {name: path for name, path in files.items() if not name.endswith(".jinja")}
    for name, path in plain.items():
        _copy_file(path, out / _named(name, firmware))
    facts["sources"] = _sources(out)
    for name in sorted(set(files) - set(plain)):
        text = _render(files[name], facts)
        if text.strip():
            _write(out / _named(name.removesuffix(".jinja"), firmware), text.encode())
    facts["build_id"] = _build_id(out)
    header = out / template.place("board") / _BOARD_HEADER
    shared = resource_dir("firmware") / "templates" / f"{_BOARD_HEADER}.jinja"
    _write(header, _render(shared, facts).encode())


def _named(path: str, firmware: Firmware) -> str:
    return path.replace("__name__", firmware.name)


def _sources(out: Path) -> list[str]:
    """What a build system has to compile, sorted."""
    found = (path for path in out.rglob("*") if path.suffix in _SOURCES)
    return sorted(path.relative_to(out).as_posix() for path in found)


def _facts(template: Template, board: Board, firmware: Firmware) -> dict[str, Any]:
    defines = [(key, _c_value(key, value)) for key, value in board.build.defines.items()]
    return {
        "board": board,
        "defines": defines if template.chip_port else [],
        "host": board.build.toolchain == "host",
        "mlperf": None,
        "library_flags": _LIBRARY_FLAGS.get(board.build.toolchain, ""),
        "name": firmware.name,
        "optimize_flag": OPTIMIZE_FLAGS[firmware.optimize],
        "platform_name": platform_name(template, board),
        "ports": _ports(board) if template.chip_port else (),
        "prefix": f"{board.build.toolchain}-",
        "provenance": firmware.provenance,
        "runtime": firmware.runtime,
        "template": template,
        **(firmware.facts or {}),
    }


def _build_id(out: Path) -> str:
    """16 hex digits that change with any file of the project but the header that holds them."""
    tree = {path: digest for path, digest in hash_tree(out).items() if path != _BOARD_HEADER}
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


def _render(path: Path, facts: Mapping[str, Any]) -> str:
    import jinja2

    templates = resource_dir("firmware") / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template(path.relative_to(templates).as_posix()).render(facts)
