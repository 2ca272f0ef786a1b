# SPDX-License-Identifier: Apache-2.0
"""Boards are data: one strict TOML file each, read into frozen dataclasses.

An unknown key, a wrong type or a number that cannot be is an error that names file, table and key.
The fields are described in boards/README.md. Standard library only.
"""

from __future__ import annotations

import re
import tomllib
import types
import typing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.resources import resource_dir

DEFAULT_BOARD = "qemu-mps2-an386"

CORES = ("host", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
TOOLCHAINS = ("arm-none-eabi", "host")
PROGRAMS = ("qemu-system-arm", "native")
REGION_KINDS = ("flash", "ram")
TRIED = ("hardware", "emulated", "host", "compiled", "not built")


@dataclass(frozen=True, slots=True)
class Region:
    """One stretch of memory; the linker sees it under `name`."""

    name: str
    kind: str
    origin: int
    length_bytes: int

    @property
    def end(self) -> int:
        """First address after the region."""
        return self.origin + self.length_bytes


@dataclass(frozen=True, slots=True)
class Memory:
    """What the application may use, and where it lies. A host has no regions."""

    flash_bytes: int
    ram_bytes: int
    regions: tuple[Region, ...] = ()

    def first(self, kind: str) -> Region:
        """The first region of `kind`: where code, or data and stack, go unless told otherwise."""
        return next(region for region in self.regions if region.kind == kind)


@dataclass(frozen=True, slots=True)
class Build:
    """How firmware is compiled: folder `port` of firmware/port, compiler, flags, macros."""

    port: str
    toolchain: str
    cpu_flags: tuple[str, ...] = ()
    defines: dict[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Serial:
    baud: int


@dataclass(frozen=True, slots=True)
class Time:
    """The counter that is expected; the firmware probes it and reports what it found."""

    counter: str
    clock_hz: int


@dataclass(frozen=True, slots=True)
class Emulator:
    """What runs the firmware in place of hardware: QEMU, or the host itself ("native").

    With `icount_shift` n, one instruction takes 2^n ns of the emulator's virtual time.
    """

    program: str
    machine: str = ""
    args: tuple[str, ...] = ()
    icount_shift: int | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """One board file. `file` is where it was read from."""

    id: str
    name: str
    mcu: str
    core: str
    clock_hz: int
    sources: tuple[str, ...]
    tried: str
    memory: Memory
    build: Build
    serial: Serial
    time: Time
    emulator: Emulator | None = None
    file: Path | None = None

    @property
    def kind(self) -> str:
        """ "emulated" where ticks are an emulator's, "measured" where they are real time."""
        return "emulated" if self.emulator and self.emulator.program != "native" else "measured"


def load_board(name_or_path: str | Path) -> Board:
    """The board with this id, or the one in this .toml file; EdgekitError where there is none."""
    text = str(name_or_path)
    if text.endswith(".toml"):
        return _load_file(Path(text))
    ids = board_ids()
    if text in ids:
        return _load_file(resource_dir("boards") / f"{text}.toml")
    near = get_close_matches(text.lower(), ids, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known boards: {', '.join(ids)}"
    raise EdgekitError(f"unknown board '{text}'", hint=hint)


def board_ids() -> list[str]:
    """Ids of the boards that come with edgekit, sorted: their file names."""
    return sorted(path.stem for path in resource_dir("boards").glob("*.toml"))


def all_boards() -> list[Board]:
    """Every board that comes with edgekit, sorted by id."""
    return [load_board(name) for name in board_ids()]


def _load_file(path: Path) -> Board:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EdgekitError(
            f"cannot read board file '{path}': {error.strerror}",
            hint="give a board id (edgekit boards lists them) or the path of a .toml file",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EdgekitError(
            f"{path.name}: not valid TOML: {error}",
            hint="numbers are written 115_200 or 0x2000_0000, without quotes",
        ) from None
    board = _read(Board, table, path.name)
    _check(board, path.name)
    return replace(board, file=path.resolve())


def _bad(where: str, what: str, hint: str) -> EdgekitError:
    return EdgekitError(f"{where}: {what}", hint=hint)


def _read(cls: Any, table: dict[str, Any], where: str) -> Any:
    """`table` as a `cls`, with every key known, none missing and every type right."""
    hints = typing.get_type_hints(cls)
    hints.pop("file", None)
    for key in table:
        if key not in hints:
            near = get_close_matches(key, hints, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(hints)}"
            raise _bad(where, f"unknown key '{key}'", hint)
    for item in fields(cls):
        needed = item.default is MISSING and item.default_factory is MISSING
        if needed and item.name not in table:
            raise _bad(where, f"the key '{item.name}' is missing", "see boards/README.md")
    return cls(**{key: _value(hints[key], value, where, key) for key, value in table.items()})


def _value(kind: Any, value: Any, where: str, key: str) -> Any:
    if typing.get_origin(kind) is types.UnionType:
        kind = next(option for option in typing.get_args(kind) if option is not type(None))
    if is_dataclass(kind):
        _expect(isinstance(value, dict), where, key, "a table", value)
        return _read(kind, value, _inside(where, key))
    origin = typing.get_origin(kind)
    if origin is tuple:
        _expect(isinstance(value, list), where, key, "a list", value)
        item = typing.get_args(kind)[0]
        return tuple(_value(item, each, where, key) for each in value)
    if origin is dict:
        _expect(isinstance(value, dict), where, key, "a table", value)
        for name, each in value.items():
            _expect(type(each) in (int, str), where, f"{key}.{name}", "a number or text", each)
        return value
    name = "a whole number" if kind is int else "text"
    _expect(type(value) is kind, where, key, name, value)
    return value


def _inside(where: str, key: str) -> str:
    return f"{where[:-1]}.{key}]" if where.endswith("]") else f"{where} [{key}]"


def _expect(holds: bool, where: str, key: str, name: str, value: Any) -> None:
    if not holds:
        raise _bad(
            where,
            f"'{key}' is {value!r}, and has to be {name}",
            "numbers are written without quotes, 0x2000_0000 and 115_200 alike",
        )


def _check(board: Board, where: str) -> None:
    """What types cannot say: names that are known, numbers that can be."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", board.id):
        raise _bad(where, f"'id' is '{board.id}'", "an id is lower-case letters, digits and '-'")
    _one_of(board.core, CORES, where, "core")
    _one_of(board.tried, TRIED, where, "tried")
    _one_of(board.build.toolchain, TOOLCHAINS, f"{where} [build]", "toolchain")
    _positive(board.clock_hz, where, "clock_hz")
    _positive(board.serial.baud, f"{where} [serial]", "baud")
    _positive(board.time.clock_hz, f"{where} [time]", "clock_hz")
    if not any(source.strip() for source in board.sources):
        raise _bad(where, "'sources' is empty", "name the manual or public file of each number")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", port := board.build.port):
        raise _bad(f"{where} [build]", f"'port' is '{port}'", "it is a folder of firmware/port")
    for name in board.build.defines:
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise _bad(
                f"{where} [build.defines]", f"'{name}' is no macro name", "capitals, digits, '_'"
            )
    _check_emulator(board.emulator, f"{where} [emulator]")
    _check_memory(board, f"{where} [memory]")


def _one_of(value: str, known: tuple[str, ...], where: str, key: str) -> None:
    if value not in known:
        near = get_close_matches(value, known, n=1)
        raise _bad(
            where,
            f"'{key}' is '{value}', which is not known",
            f"did you mean '{near[0]}'?" if near else f"one of: {', '.join(known)}",
        )


def _positive(value: int, where: str, key: str) -> None:
    if value <= 0:
        raise _bad(where, f"'{key}' is {value}", "it has to be greater than 0")


def _check_emulator(emulator: Emulator | None, where: str) -> None:
    if emulator is None:
        return
    _one_of(emulator.program, PROGRAMS, where, "program")
    if emulator.program != "native" and not emulator.machine:
        raise _bad(where, "the key 'machine' is missing", f"{emulator.program} -M help lists them")
    if emulator.icount_shift is not None and not 0 <= emulator.icount_shift <= 10:
        raise _bad(where, f"'icount_shift' is {emulator.icount_shift}", "QEMU takes 0 to 10")


def _check_memory(board: Board, where: str) -> None:
    memory = board.memory
    _positive(memory.flash_bytes, where, "flash_bytes")
    _positive(memory.ram_bytes, where, "ram_bytes")
    if board.build.toolchain == "host" and not memory.regions:
        return
    for region in memory.regions:
        _check_region(region, f"{where[:-1]}.regions]")
    if len({region.name for region in memory.regions}) < len(memory.regions):
        raise _bad(where, "two regions have one name", "the linker knows regions by their names")
    ordered = sorted(memory.regions, key=lambda region: region.origin)
    for low, high in pairwise(ordered):
        if low.end > high.origin:
            raise _bad(
                where,
                f"regions '{low.name}' and '{high.name}' overlap at {high.origin:#010x}",
                "an address belongs to one region",
            )
    for kind, limit in (("flash", memory.flash_bytes), ("ram", memory.ram_bytes)):
        total = sum(region.length_bytes for region in memory.regions if region.kind == kind)
        if not total:
            raise _bad(where, f"no region of kind '{kind}'", "add a [[memory.regions]] table")
        if limit > total:
            raise _bad(
                where,
                f"'{kind}_bytes' is {limit}, and the {kind} regions hold {total}",
                f"'{kind}_bytes' is what the application may use of the regions",
            )


def _check_region(region: Region, where: str) -> None:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", region.name):
        raise _bad(where, f"'name' is '{region.name}'", "use capital letters, as linkers do")
    _one_of(region.kind, REGION_KINDS, where, "kind")
    _positive(region.length_bytes, where, "length_bytes")
    if region.origin < 0 or region.end > 1 << 32:
        raise _bad(where, f"'origin' is {region.origin:#x}", "the cores have 32-bit addresses")
