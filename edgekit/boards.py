# SPDX-License-Identifier: Apache-2.0
"""Boards are data: one strict TOML file each, read into frozen dataclasses.

The fields are described in boards/README.md; `board_file` reads them, `board_rules` holds what
types cannot say. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from edgekit.board_file import read_table, read_toml
from edgekit.board_rules import check_board
from edgekit.errors import EdgekitError
from edgekit.resources import resource_dir

DEFAULT_BOARD = "qemu-mps2-an386"


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
    """How firmware is compiled: folder `port` of firmware/port, compiler, flags, macros.

    `port` is "" for boards that only a framework's template can build for; `drivers` are further
    folders of firmware/port that the port takes code from.
    """

    toolchain: str
    port: str = ""
    drivers: tuple[str, ...] = ()
    cpu_flags: tuple[str, ...] = ()
    defines: dict[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Serial:
    """The firmware's line. `max_baud` is the most that the way to the host is known to carry (0:
    `baud`); `pins` names the board's pins where the chip port does not speak over its USB socket;
    with `opening_resets` a program that opens the port restarts the board.
    """

    baud: int
    max_baud: int = 0
    pins: str = ""
    opening_resets: bool = False


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
class Usb:
    """Ids "vid:pid" in hex, or "vid:*". `owner` says whose the USB socket is: a debug "probe", a
    "bridge" chip, the "target" chip itself (its port vanishes on reset), or of nobody ("cable").
    `probes` are separate debug probes that carry the board's serial line.
    """

    owner: str
    running: tuple[str, ...]
    bootloader: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reset:
    """How the bootloader is entered: "probe", "bridge", "touch-1200" or "by-hand"; the words are
    for a person whose board does not react."""

    enter_bootloader: str
    by_hand: str = ""


@dataclass(frozen=True, slots=True)
class Flasher:
    """One program that can write the board's flash, with what it has to be told.

    Which keys a tool needs and knows is `board_rules.FLASHER_KEYS`.
    """

    tool: str
    target: str = ""
    pack: str = ""
    config: tuple[str, ...] = ()
    device: str = ""
    chip: str = ""
    mcu: str = ""
    variant: str = ""
    usb: str = ""
    alt: int = 0
    address: int = 0
    family: int = 0
    volume: str = ""
    sd_req: str = ""


@dataclass(frozen=True, slots=True)
class Platforms:
    """What other ecosystems call the board; "" where they do not know it."""

    arduino: str = ""
    zephyr: str = ""
    platformio: str = ""
    esp_idf: str = ""
    pico_sdk: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One board file. `flash` is in order of preference; `file` is where it was read from."""

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
    usb: Usb | None = None
    reset: Reset | None = None
    flash: tuple[Flasher, ...] = ()
    platforms: Platforms = Platforms()
    notes: tuple[str, ...] = ()
    file: Path | None = None

    @property
    def kind(self) -> str:
        """ "emulated" where ticks are an emulator's, "measured" where they are real time."""
        return "emulated" if self.emulator and self.emulator.program != "native" else "measured"

    @property
    def buildable(self) -> bool:
        """Whether edgekit has a chip port for it."""
        return bool(self.build.port)


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
    board: Board = read_table(Board, read_toml(path), path.name)
    check_board(board, path.name)
    return replace(board, file=path.resolve())
