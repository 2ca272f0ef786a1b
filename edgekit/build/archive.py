# SPDX-License-Identifier: Apache-2.0
"""Static libraries: the objects in an `ar` archive, what they were compiled for, what they call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError

_MAGIC = b"!<arch>\n"
_HEADER_BYTES = 60  # System V ABI, chapter 7, "Archive File"


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What an object file says of itself.

    `machine` is ELF's name ("EM_ARM"), `arch` the number of Tag_CPU_arch and `hard_float` whether
    floats are passed in the FPU's registers (both of Arm's build attributes; None where there are
    none). `calls` are the symbols that it wants from elsewhere.
    """

    machine: str
    arch: int | None
    hard_float: bool | None
    defines: frozenset[str]
    calls: frozenset[str]


def read_archive(path: Path) -> dict[str, ObjectFacts]:
    """Object name -> facts, of every ELF object in the static library `path`.

    Raises EdgekitError where it is no archive, or holds no object.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _bad(path, str(error.strerror)) from None
    if not data.startswith(_MAGIC):
        raise _bad(path, "it is no ar archive")
    found = {}
    for name, body in _members(data):
        if body.startswith(b"\x7fELF"):
            found[name] = _facts(path, body)
    if not found:
        raise _bad(path, "it holds no object file")
    return found


def _bad(path: Path, why: str) -> EdgekitError:
    return EdgekitError(f"'{path}' is not a static library: {why}", hint="build it again")


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    at, long_names = len(_MAGIC), b""
    while at + _HEADER_BYTES <= len(data):
        header = data[at : at + _HEADER_BYTES]
        name, size = header[:16].decode("latin-1").rstrip(), int(header[48:58])
        body = data[at + _HEADER_BYTES : at + _HEADER_BYTES + size]
        if name == "//":
            long_names = body
        elif name != "/":
            yield _name(name, long_names), body
        at += _HEADER_BYTES + size + size % 2


def _name(name: str, long_names: bytes) -> str:
    """GNU ar writes long names as `/offset` into a table, and ends each with a slash."""
    if name.startswith("/") and name[1:].isdigit():
        start = int(name[1:])
        return long_names[start : long_names.find(b"/", start)].decode("latin-1")
    return name.rstrip("/")


def _facts(path: Path, body: bytes) -> ObjectFacts:
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(BytesIO(body))
        attributes = _attributes(elf)
        defines, calls = _symbols(elf)
        machine = elf["e_machine"]
    except ELFError as error:
        raise _bad(path, f"an object in it is damaged ({error})") from None
    return ObjectFacts(
        machine=str(machine),
        arch=attributes.get("TAG_CPU_ARCH"),
        hard_float=attributes.get("TAG_ABI_VFP_ARGS") == 1 if attributes else None,
        defines=frozenset(defines),
        calls=frozenset(calls),
    )


def _attributes(elf: Any) -> dict[str, Any]:
    """Arm's build attributes (Addenda to the ABI for the Arm Architecture, section 3)."""
    section = elf.get_section_by_name(".ARM.attributes")
    if section is None:
        return {}
    return {
        attribute.tag: attribute.value
        for subsection in section.iter_subsections()
        for subsubsection in subsection.iter_subsubsections()
        for attribute in subsubsection.iter_attributes()
    }


def _symbols(elf: Any) -> tuple[list[str], list[str]]:
    defines: list[str] = []
    calls: list[str] = []
    table = elf.get_section_by_name(".symtab")
    for symbol in table.iter_symbols() if table is not None else ():
        if symbol["st_info"]["bind"] != "STB_LOCAL" and symbol.name:
            (calls if symbol["st_shndx"] == "SHN_UNDEF" else defines).append(symbol.name)
    return defines, calls
