# SPDX-License-Identifier: Apache-2.0
"""Serial ports that are plugged in, and the boards that each may be.

A USB id seldom names a board (every Nucleo of one generation has the same), so what is found are
candidates; the firmware's own hello settles which it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgekit.boards import Board


@dataclass(frozen=True, slots=True)
class SerialPort:
    """One port of the operating system's list; texts are "" where USB does not give them."""

    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str = ""
    product: str = ""
    manufacturer: str = ""
    interface: str = ""
    location: str = ""

    @property
    def usb_id(self) -> str:
        """ "2341:805a", or "" for a port that is not on USB."""
        return "" if self.vid is None or self.pid is None else f"{self.vid:04x}:{self.pid:04x}"


@dataclass(frozen=True, slots=True)
class Match:
    """A board that a port may be, and whose the port is: of its "target" chip, a debug "probe", a
    "bridge" chip, the user's "cable"; or it is the board's "bootloader" that waits."""

    board: str
    role: str


def plugged_ports() -> list[SerialPort]:
    """Every serial port of this computer but pseudo terminals, which the system does not list."""
    from serial.tools.list_ports import comports

    return sorted(
        (
            SerialPort(
                device=port.device,
                vid=port.vid,
                pid=port.pid,
                serial_number=port.serial_number or "",
                product=port.product or "",
                manufacturer=port.manufacturer or "",
                interface=port.interface or "",
                location=port.location or "",
            )
            for port in comports()
        ),
        key=lambda port: (not port.usb_id, port.device),
    )


def matches(port: SerialPort, boards: Iterable[Board]) -> tuple[Match, ...]:
    """The boards whose files name the port's USB id, in the order of `boards`."""
    found = []
    for board in boards:
        role = _role(port, board)
        if role:
            found.append(Match(board.id, role))
    return tuple(found)


def _role(port: SerialPort, board: Board) -> str:
    if board.usb is None:
        return ""
    if _is_one_of(port.usb_id, board.usb.bootloader):
        return "bootloader"
    if _is_one_of(port.usb_id, board.usb.running):
        return board.usb.owner
    return "probe" if _is_one_of(port.usb_id, board.usb.probes) else ""


def _is_one_of(usb_id: str, ids: Iterable[str]) -> bool:
    return bool(usb_id) and any(
        each == usb_id or (each.endswith(":*") and usb_id.startswith(each[:-1])) for each in ids
    )
