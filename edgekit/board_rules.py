# SPDX-License-Identifier: Apache-2.0
"""What a board file's types cannot say: names that are known, numbers that can be, and parts that
need each other. Every broken rule is an error that names file, table and key."""

from __future__ import annotations

import re
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING

from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.boards import Board, Emulator, Flasher, Region, Usb

CORES = (
    "host",
    "cortex-m0",
    "cortex-m0plus",
    "cortex-m3",
    "cortex-m4",
    "cortex-m7",
    "cortex-m33",
    "cortex-m55",
    "cortex-m85",
    "rv32",
    "xtensa-lx6",
    "xtensa-lx7",
)
TOOLCHAINS = ("arm-none-eabi", "riscv64-unknown-elf", "xtensa-esp-elf", "riscv32-esp-elf", "host")
PROGRAMS = ("qemu-system-arm", "qemu-system-riscv32", "native")
REGION_KINDS = ("flash", "ram")
TRIED = ("hardware", "emulated", "host", "compiled", "not built")
OWNERS = ("probe", "bridge", "target", "cable")
ENTRANCES = ("probe", "bridge", "touch-1200", "by-hand")

# Flasher -> the keys that it needs, and those that it may have.
FLASHER_KEYS: dict[str, tuple[set[str], set[str]]] = {
    "esptool": ({"chip"}, {"address"}),
    "pyocd": ({"target"}, {"pack"}),
    "openocd": ({"config"}, set()),
    "dfu-util": ({"usb", "address"}, {"alt"}),
    "bossac": (set(), {"variant"}),
    "uf2": ({"family", "volume"}, set()),
    "teensy-loader-cli": ({"mcu"}, set()),
    "jlink": ({"device"}, set()),
    "st-flash": ({"address"}, set()),
    "adafruit-nrfutil": ({"sd_req"}, set()),
}
_USB_ID = r"[0-9a-f]{4}:([0-9a-f]{4}|\*)"


def check_board(board: Board, where: str) -> None:
    """EdgekitError for the first rule that `board`, read from the file `where`, breaks."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", board.id):
        raise _bad(where, f"'id' is '{board.id}'", "an id is lower-case letters, digits and '-'")
    _one_of(board.core, CORES, where, "core")
    _one_of(board.tried, TRIED, where, "tried")
    _positive(board.clock_hz, where, "clock_hz")
    _positive(board.serial.baud, f"{where} [serial]", "baud")
    if 0 < board.serial.max_baud < board.serial.baud:
        raise _bad(f"{where} [serial]", "'max_baud' is below 'baud'", "leave it out where unknown")
    _positive(board.time.clock_hz, f"{where} [time]", "clock_hz")
    if not any(source.strip() for source in board.sources):
        raise _bad(where, "'sources' is empty", "name the manual or public file of each number")
    _check_build(board, f"{where} [build]")
    _check_emulator(board.emulator, f"{where} [emulator]")
    _check_memory(board, f"{where} [memory]")
    _check_tried(board, where)
    if board.usb is not None:
        _check_usb(board.usb, f"{where} [usb]")
    if board.reset is not None:
        _check_reset(board, f"{where} [reset]")
    for flasher in board.flash:
        _check_flasher(flasher, f"{where} [flash]")


def _check_build(board: Board, where: str) -> None:
    _one_of(board.build.toolchain, TOOLCHAINS, where, "toolchain")
    for key, folder in (("port", board.build.port), *(("drivers", d) for d in board.build.drivers)):
        if folder and not re.fullmatch(r"[a-z][a-z0-9_]*", folder):
            raise _bad(where, f"'{key}' is '{folder}'", "it is a folder of firmware/port")
    for name in board.build.defines:
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise _bad(
                f"{where[:-1]}.defines]", f"'{name}' is no macro name", "capitals, digits, '_'"
            )


def _check_tried(board: Board, where: str) -> None:
    """Nobody has built what there is no port for, or emulated what no emulator has."""
    if not board.build.port and board.tried in ("emulated", "host", "compiled"):
        raise _bad(where, f"'tried' is '{board.tried}', and there is no chip port", "'not built'")
    if not board.emulator and board.tried in ("emulated", "host"):
        raise _bad(where, f"'tried' is '{board.tried}', and there is no [emulator]", "'compiled'")


def _check_usb(usb: Usb, where: str) -> None:
    _one_of(usb.owner, OWNERS, where, "owner")
    if not usb.running:
        raise _bad(where, "'running' is empty", "leave the whole table out where no id is known")
    for each in (*usb.running, *usb.bootloader, *usb.probes):
        if not re.fullmatch(_USB_ID, each):
            raise _bad(where, f"'{each}' is no USB id", 'write "2341:805a", or "1366:*"')


def _check_reset(board: Board, where: str) -> None:
    assert board.reset is not None
    _one_of(board.reset.enter_bootloader, ENTRANCES, where, "enter_bootloader")
    if board.reset.enter_bootloader == "by-hand" and not board.reset.by_hand:
        raise _bad(where, "the key 'by_hand' is missing", "say which button to press")
    touched = board.reset.enter_bootloader == "touch-1200"
    if touched and not (board.usb and board.usb.bootloader):
        raise _bad(
            where,
            "'touch-1200' needs the bootloader's USB id",
            "'bootloader' in the table [usb] tells what to wait for",
        )


def _check_flasher(flasher: Flasher, where: str) -> None:
    _one_of(flasher.tool, tuple(FLASHER_KEYS), where, "tool")
    needed, optional = FLASHER_KEYS[flasher.tool]
    keys = set(flasher.__dataclass_fields__) - {"tool"}
    given = {key for key in keys if getattr(flasher, key)}
    if absent := sorted(needed - given):
        raise _bad(where, f"{flasher.tool} needs the key '{absent[0]}'", "see boards/README.md")
    if strange := sorted(given - needed - optional):
        known = ", ".join(sorted(needed | optional)) or "none"
        raise _bad(
            where, f"{flasher.tool} does not know the key '{strange[0]}'", f"its keys: {known}"
        )


def _bad(where: str, what: str, hint: str) -> EdgekitError:
    return EdgekitError(f"{where}: {what}", hint=hint)


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
    if not memory.regions and (board.build.toolchain == "host" or not board.build.port):
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
