# SPDX-License-Identifier: Apache-2.0
"""The compiler of a board: where it is, which version, what installs it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import EdgekitError, ToolMissing
from edgekit.tools import INSTALL, ToolFailed, find_tool, run_tool

COMPILERS = {
    "arm-none-eabi": "arm-none-eabi-gcc",
    "riscv64-unknown-elf": "riscv64-unknown-elf-gcc",
    "host": "cc",
}
# What the C library of a cross compiler is known by, and its name.
_LIBRARIES = {
    "arm-none-eabi-gcc": ("nano.specs", "newlib"),
    "riscv64-unknown-elf-gcc": ("picolibc.specs", "picolibc"),
}

_ASK_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler that was found; `version` is the first line of its own answer."""

    path: Path
    version: str


def find_compiler(toolchain: str) -> Compiler:
    """The compiler of `toolchain` ("arm-none-eabi", "riscv64-unknown-elf" or "host").

    Raises ToolMissing with the line that installs it, also where the cross compiler is there
    and its C library is not.
    """
    if toolchain not in COMPILERS:
        raise EdgekitError(
            f"unknown toolchain '{toolchain}'", hint=f"known: {', '.join(COMPILERS)}"
        )
    name = COMPILERS[toolchain]
    path = find_tool(name)
    if toolchain != "host":
        _need_library(name)
    lines = run_tool(name, "--version", timeout_s=_ASK_TIMEOUT_S).splitlines()
    return Compiler(path=path, version=lines[0].strip() if lines else "unknown")


def find_cpp_compiler(toolchain: str) -> Compiler:
    """The C++ compiler of `toolchain`; ToolMissing also where its standard library is not."""
    name = COMPILERS[toolchain].replace("gcc", "g++") if toolchain != "host" else "c++"
    path = find_tool(name)
    asked = ("-x", "c++", "-fsyntax-only", "-include", "cstdint", os.devnull)
    try:
        run_tool(name, *asked, timeout_s=_ASK_TIMEOUT_S)
    except ToolFailed:
        raise ToolMissing(
            f"'{name}' is installed without its C++ library", hint=INSTALL.get(name, "")
        ) from None
    lines = run_tool(name, "--version", timeout_s=_ASK_TIMEOUT_S).splitlines()
    return Compiler(path=path, version=lines[0].strip() if lines else "unknown")


def _need_library(name: str) -> None:
    # gcc answers with the bare name where it does not find the file.
    specs, library = _LIBRARIES[name]
    spec = run_tool(name, f"-print-file-name={specs}", timeout_s=_ASK_TIMEOUT_S).strip()
    if not Path(spec).is_absolute():
        raise ToolMissing(
            f"'{name}' is installed without its C library ({library})", hint=INSTALL[name]
        )
