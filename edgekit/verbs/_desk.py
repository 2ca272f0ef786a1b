# SPDX-License-Identifier: Apache-2.0
"""doctor's checks for boards on the desk: flashers, the right to use ports and probes, and what
may stand in the way. None of it is needed for emulated boards."""

from __future__ import annotations

import re
from pathlib import Path

from edgekit.boards import Board, all_boards
from edgekit.verbs._check import Check

# Where udev reads its rules.
RULES = (Path("/etc/udev/rules.d"), Path("/lib/udev/rules.d"), Path("/usr/lib/udev/rules.d"))
RULE_FILE = "/etc/udev/rules.d/60-edgekit.rules"
# Flashers that reach the board by raw USB, not by a serial port: the system has to allow it.
_BY_USB = {"pyocd", "openocd", "dfu-util", "teensy-loader-cli", "jlink", "st-flash"}
# Groups whose members may open serial ports: Debian's and Arch's.
GROUPS = ("dialout", "uucp")
_VENDOR = re.compile(r"idVendor\}==\"([0-9a-fA-F]{4})\"")


def desk_checks() -> list[Check]:
    """Flashers, serial ports, udev rules, ModemManager."""
    boards = [board for board in all_boards() if board.emulator is None]
    return [*_flashers(boards), _serial(), _udev(boards), _modem_manager()]


def _flashers(boards: list[Board]) -> list[Check]:
    from edgekit.flash.table import TOOLS

    return [_flasher(name, boards) for name in TOOLS]


def _flasher(name: str, boards: list[Board]) -> Check:
    """One flasher; where the chip needs a certain variant, that one counts."""
    from edgekit.flash.table import TOOLS, missing

    users = [
        (board.id, flasher.variant)
        for board in boards
        for flasher in board.flash
        if flasher.tool == name
    ]
    variants = {variant for _, variant in users}
    why = missing(name, variants.pop() if len(variants) == 1 else "")
    names = ", ".join(board for board, _ in users) if len(users) < 4 else f"{len(users)} boards"
    return Check(
        name=name,
        kind="flasher",
        ok=not why,
        needed=False,
        detail=f"{why}; for {names}" if why else f"for {names}",
        install=TOOLS[name].install,
    )


def _serial() -> Check:
    """Whether this user may open /dev/ttyUSB* and /dev/ttyACM*."""
    may, detail, group = _serial_rights()
    return Check(
        name="serial ports",
        kind="serial",
        ok=may,
        needed=False,
        detail=detail,
        install=f"sudo usermod -aG {group} $USER, then log in again",
    )


def _serial_rights() -> tuple[bool, str, str]:
    import os

    if not hasattr(os, "geteuid"):
        return True, "no group is needed on this system", GROUPS[0]
    if os.geteuid() == 0:
        return True, "root may open every port", GROUPS[0]
    import grp

    known = {group.gr_name: group.gr_gid for group in grp.getgrall()}
    names = [name for name in GROUPS if name in known]
    if not names:
        return True, f"this system has no group {' or '.join(GROUPS)}", GROUPS[0]
    if any(known[name] in {os.getegid(), *os.getgroups()} for name in names):
        return True, f"in group {names[0]}", names[0]
    ports = [*Path("/dev").glob("ttyACM*"), *Path("/dev").glob("ttyUSB*")]
    if ports and all(os.access(port, os.R_OK | os.W_OK) for port in ports):
        return True, "every port that is plugged in may be opened", names[0]
    return False, f"not in group {names[0]}: ports of real boards may refuse to open", names[0]


def usb_vendors(boards: list[Board]) -> set[str]:
    """Vendor ids that a flasher has to reach by raw USB."""
    ids: set[str] = set()
    for board in boards:
        tools = {flasher.tool for flasher in board.flash}
        if board.usb is None or not tools & _BY_USB:
            continue
        if board.usb.owner == "probe":
            ids |= {*board.usb.running}
        if tools & {"dfu-util", "teensy-loader-cli"}:
            ids |= {*board.usb.bootloader}
        ids |= {*board.usb.probes}
    return {each.partition(":")[0] for each in ids}


def ruled_vendors(folders: tuple[Path, ...] = RULES) -> set[str]:
    """Vendor ids that a udev rule of this computer names."""
    files = [path for folder in folders if folder.is_dir() for path in folder.glob("*.rules")]
    return {
        vendor.lower()
        for path in files
        for vendor in _VENDOR.findall(path.read_text(errors="replace"))
    }


def udev_rule(vendors: set[str]) -> str:
    """The line of shell that lets the person at the computer use these vendors' devices, and
    keeps ModemManager off their serial ports."""
    rights = 'MODE="0660", TAG+="uaccess", ENV{ID_MM_DEVICE_IGNORE}="1"'
    rules = "".join(f'ATTRS{{idVendor}}=="{each}", {rights}\\n' for each in sorted(vendors))
    return f"printf '{rules}' | sudo tee {RULE_FILE} && sudo udevadm control --reload"


def _udev(boards: list[Board]) -> Check:
    wanted = usb_vendors(boards)
    lacking = wanted - ruled_vendors()
    if not any(folder.is_dir() for folder in RULES):
        lacking = set()
    return Check(
        name="udev rules",
        kind="udev",
        ok=not lacking,
        needed=False,
        detail=f"no rule for USB vendors {', '.join(sorted(lacking))}: probes and loaders may be"
        " root's alone"
        if lacking
        else f"for USB vendors {', '.join(sorted(wanted))}, or udev is not used here",
        install=udev_rule(lacking),
    )


def _modem_manager() -> Check:
    """It opens every new /dev/ttyACM* and sends AT commands, in the seconds that count."""
    runs = any(_name(entry) == "ModemManager" for entry in Path("/proc").glob("[0-9]*/comm"))
    return Check(
        name="ModemManager",
        kind="udev",
        ok=not runs,
        needed=False,
        detail="runs, and may talk to boards as they are plugged in" if runs else "does not run",
        install="the udev rules above keep it off; or: sudo systemctl stop ModemManager",
    )


def _name(entry: Path) -> str:
    try:
        return entry.read_text().strip()
    except OSError:
        return ""
