# SPDX-License-Identifier: Apache-2.0
"""A port as the user names it: `auto`, `id:<serial number>`, `port:<path>`, a glob, or a URL.

Where several ports fit they are listed; none is ever picked by guess.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgekit.boards import Board
from edgekit.errors import DeviceError
from edgekit.link.ports import Match, SerialPort, matches

AUTO = "auto"
LOOK = "edgekit ports shows what is plugged in"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A port that fits a selector, and the boards that it may be."""

    port: SerialPort
    boards: tuple[Match, ...]

    @property
    def words(self) -> str:
        """One line for a list: device, USB id, serial number, boards."""
        names = ", ".join(match.board for match in self.boards) or "no board of edgekit's"
        parts = (self.port.device, self.port.usb_id, self.port.serial_number, f"({names})")
        return " ".join(part for part in parts if part)


# Asks the firmware at a port for the id of its board; "" where none answers.
AskBoard = Callable[[Candidate], str]


def find_candidates(
    selector: str, ports: Sequence[SerialPort], boards: Sequence[Board]
) -> list[Candidate]:
    """The ports that `selector` fits.

    "" takes all, `auto` those that may be one of `boards`. A path or URL need not be in `ports`:
    it is taken as it is.
    """
    known = [Candidate(port, matches(port, boards)) for port in ports]
    if not selector:
        return known
    if selector == AUTO:
        return [each for each in known if each.boards]
    if selector.startswith("id:"):
        wanted = selector.removeprefix("id:").lower()
        return [each for each in known if each.port.serial_number.lower() == wanted]
    selector = selector.removeprefix("port:")
    if "://" in selector or not any(mark in selector for mark in "*?["):
        paths = [selector]
    else:
        listed = {each.port.device for each in known}
        paths = sorted({*glob.glob(selector), *_fitting(selector, listed)})  # noqa: PTH207
    by_device = {each.port.device: each for each in known}
    return [by_device.get(path, Candidate(SerialPort(path), ())) for path in paths]


def _fitting(pattern: str, devices: set[str]) -> list[str]:
    from fnmatch import fnmatchcase

    return [device for device in devices if fnmatchcase(device, pattern)]


def choose(
    selector: str,
    ports: Sequence[SerialPort],
    boards: Sequence[Board],
    *,
    ask: AskBoard | None = None,
) -> Candidate:
    """The one port that `selector` means; DeviceError with the list where it is none or several.

    With `ask`, several candidates are asked who they are, and the only one that answers with the
    id of one of `boards` is taken. A port whose opening would restart a board is not asked.
    """
    found = find_candidates(selector, ports, boards)
    if len(found) > 1:
        found = _ready(found) or found
    if len(found) > 1 and ask is not None:
        found = _settled(found, boards, ask) or found
    if len(found) == 1:
        return found[0]
    if found:
        listed = "; ".join(each.words for each in found)
        raise DeviceError(
            f"'{selector}' fits {len(found)} ports: {listed}",
            hint=f"say which: --port {found[0].port.device}, or --port id:<serial number>",
        )
    raise DeviceError(f"no port fits '{selector}'{_instead(ports)}", hint=LOOK)


def _ready(found: list[Candidate]) -> list[Candidate]:
    """Those with a program that can answer: a bootloader's port is none."""
    return [each for each in found if any(match.role != "bootloader" for match in each.boards)]


def _settled(found: list[Candidate], boards: Sequence[Board], ask: AskBoard) -> list[Candidate]:
    restarted = {board.id for board in boards if board.serial.opening_resets}
    harmless = [c for c in found if not any(match.board in restarted for match in c.boards)]
    wanted = {board.id for board in boards}
    return [each for each in harmless if ask(each) in wanted]


def _instead(ports: Sequence[SerialPort]) -> str:
    names = ", ".join(port.device for port in ports)
    return f"; plugged in: {names}" if names else ": no serial port is plugged in"
