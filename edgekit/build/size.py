# SPDX-License-Identifier: Apache-2.0
"""Flash and RAM of an ELF file, and whether they fit a board. All sizes are bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgekit.boards import Board, all_boards
from edgekit.errors import EdgekitError, LimitBroken

_ADVICE = {
    "flash": "prune or shrink the model, build with --optimize size",
    "RAM": "give the model a smaller input or fewer channels where activations are widest",
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """What an ELF file takes: `sections` holds each section that is in memory, in file order.

    `flash_bytes` is code, constants and the image of initialised data; `ram_bytes` is data, zeroed
    data and the stack's reserve.
    """

    flash_bytes: int
    ram_bytes: int
    sections: dict[str, int]


def elf_sizes(path: Path, board: Board) -> Sizes:
    """Sizes of the ELF file `path`, linked for `board`.

    A section's address says which memory it is in; a host program has no such regions, and
    there it is whether the section may be written. Raises EdgekitError where it is no ELF file.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    flash = ram = 0
    sections: dict[str, int] = {}
    try:
        with path.open("rb") as stream:
            for section in ELFFile(stream).iter_sections():
                size = section["sh_size"]
                if not section["sh_flags"] & _ALLOC or not size:
                    continue
                sections[section.name] = sections.get(section.name, 0) + size
                in_ram = _in_ram(section["sh_addr"], section["sh_flags"], board)
                ram += size if in_ram else 0
                flash += size if section["sh_type"] != "SHT_NOBITS" else 0
    except (ELFError, OSError) as error:
        raise EdgekitError(
            f"'{path}' is not a readable ELF file: {error}", hint="build the firmware again"
        ) from None
    if ".stack" not in sections:
        ram += int(board.build.defines.get("EK_STACK_BYTES", 0))
    return Sizes(flash_bytes=flash, ram_bytes=ram, sections=sections)


# Section flags of the ELF specification (System V ABI, chapter 4): SHF_WRITE, SHF_ALLOC.
_WRITE, _ALLOC = 1, 2


def _in_ram(address: int, flags: int, board: Board) -> bool:
    if not board.memory.regions:
        return bool(flags & _WRITE)
    return any(
        region.kind == "ram" and region.origin <= address < region.end
        for region in board.memory.regions
    )


def check_limits(flash_bytes: int, ram_bytes: int, board: Board) -> None:
    """LimitBroken, with by how much and what would help, unless both fit `board`."""
    needs = {
        "flash": (flash_bytes, board.memory.flash_bytes),
        "RAM": (ram_bytes, board.memory.ram_bytes),
    }
    over = {kind: pair for kind, pair in needs.items() if pair[0] > pair[1]}
    if not over:
        return
    said = "; ".join(
        f"{kind}: {_kib(used)} of {_kib(limit)}, {_kib(used - limit)} too much"
        for kind, (used, limit) in over.items()
    )
    raise LimitBroken(
        f"the firmware does not fit {board.id}: {said}",
        hint=_help(over, _roomier(flash_bytes, ram_bytes, board)),
    )


def _kib(size_bytes: int) -> str:
    return f"{size_bytes / 1024:.1f} KiB ({size_bytes} bytes)"


def _help(over: dict[str, tuple[int, int]], boards: list[str]) -> str:
    advice = [_ADVICE[kind] for kind in over]
    advice.append(f"take a board that holds it ({', '.join(boards)})" if boards else "")
    return ", or ".join(filter(None, advice)) + ": edgekit inspect shows where the bytes are"


def _roomier(flash_bytes: int, ram_bytes: int, board: Board) -> list[str]:
    """Up to three ids of boards of the same toolchain that have the room."""
    return [
        other.id
        for other in all_boards()
        if other.build.toolchain == board.build.toolchain
        and other.buildable
        and (other.emulator is None) == (board.emulator is None)
        and other.memory.flash_bytes >= flash_bytes
        and other.memory.ram_bytes >= ram_bytes
    ][:3]
