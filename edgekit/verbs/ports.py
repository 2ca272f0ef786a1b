# SPDX-License-Identifier: Apache-2.0
"""`edgekit.ports()`: what is plugged in, which boards that may be, and who answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.boards import Board, all_boards
from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.link.device import Hello
    from edgekit.link.ports import Match
    from edgekit.link.selectors import Candidate

# Enough for a board that runs edgekit's firmware; any other stays silent for so long.
ASK_TIMEOUT_S = 1.0
COMMON_BAUD = 115_200


@dataclass(frozen=True, slots=True)
class PortRecord:
    """One port. `boards` are candidates by USB id, `{board, role}`; `hello` is what edgekit's
    firmware said there, None where it was not asked or nothing answered."""

    port: str
    usb_id: str
    serial_number: str
    product: str
    manufacturer: str
    boards: tuple[Match, ...]
    hello: Hello | None


def ports(*, ask: bool = False, selector: str = "") -> tuple[PortRecord, ...]:
    """Every serial port, those on USB first; with `selector` those that fit it.

    With `ask`, the firmware at each is asked who it is. That opens the port, which restarts some
    boards (their file says `opening_resets`): those are passed over unless `selector` names them.
    """
    from edgekit.link.ports import plugged_ports
    from edgekit.link.selectors import find_candidates

    boards = all_boards()
    found = find_candidates(selector, plugged_ports(), boards)
    named = bool(selector) and selector != "auto"
    return tuple(_record(each, boards, ask=ask, named=named) for each in found)


def _record(found: Candidate, boards: list[Board], *, ask: bool, named: bool) -> PortRecord:
    restarts = {board.id for board in boards if board.serial.opening_resets}
    harmless = named or not any(match.board in restarts for match in found.boards)
    return PortRecord(
        port=found.port.device,
        usb_id=found.port.usb_id,
        serial_number=found.port.serial_number,
        product=found.port.product,
        manufacturer=found.port.manufacturer,
        boards=found.boards,
        hello=ask_port(found, boards) if ask and harmless else None,
    )


def ask_port(found: Candidate, boards: Iterable[Board]) -> Hello | None:
    """What edgekit's firmware says at this port; None where it cannot be opened or is silent.

    The line's rate is that of the first of `boards` that the port may be.
    """
    from edgekit.link.emulator import open_port

    try:
        with open_port(
            found.port.device, baud_of(found, boards), timeout_s=ASK_TIMEOUT_S / 4
        ) as device:
            return device.hello()
    except EdgekitError:
        return None


def baud_of(found: Candidate, boards: Iterable[Board]) -> int:
    """The baud rate of the first of `boards` that the port may be, or the commonest."""
    may_be = {match.board for match in found.boards}
    return next((board.serial.baud for board in boards if board.id in may_be), COMMON_BAUD)


def choose_port(selector: str, boards: list[Board]) -> Candidate:
    """The one port that `selector` means for one of `boards`; hello settles between several.

    Raises DeviceError with the list where it is none or more than one.
    """
    from edgekit.link.ports import plugged_ports
    from edgekit.link.selectors import choose

    def ask(found: Candidate) -> str:
        hello = ask_port(found, boards)
        return hello.board if hello else ""

    return choose(selector, plugged_ports(), boards, ask=ask)
