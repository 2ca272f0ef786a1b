# SPDX-License-Identifier: Apache-2.0
"""From a port as the user names it to the board behind it."""

from __future__ import annotations

from edgekit.boards import Board, all_boards, load_board
from edgekit.errors import DeviceError
from edgekit.link.selectors import AUTO, Candidate
from edgekit.verbs.ports import ask_port, choose_port

_MARKS = ("id:", "port:")


def is_selector(port: str) -> bool:
    """Whether `port` has to be looked up, and is not a path or URL as it stands."""
    plain = "://" in port or not any(mark in port for mark in "*?[")
    return port == AUTO or port.startswith(_MARKS) or (bool(port) and not plain)


def resolve_port(port: str, board: Board) -> str:
    """The path or URL that `port` means for `board`; DeviceError where it is none or several."""
    return choose_port(port, [board]).port.device if is_selector(port) else port


def find_board(port: str, board: Board) -> tuple[Board, str]:
    """The board that is plugged in at `port`, and the port's path.

    A real `board` was meant by the user and is kept. An emulated one, the default, gives way to
    what is there: the board that the firmware's hello names, or the only one whose file fits.
    Raises DeviceError with the candidates where they are several.
    """
    if board.emulator is None:
        return board, resolve_port(port, board)
    real = [each for each in all_boards() if each.emulator is None]
    found = choose_port(port, real)
    hello = None if _restarts(found) else ask_port(found, real)
    if hello is not None:
        return load_board(hello.board), found.port.device
    names = [match.board for match in found.boards]
    if len(names) == 1:
        return load_board(names[0]), found.port.device
    raise DeviceError(
        f"{found.port.device} may be {' or '.join(names) if names else 'any board'}, and no"
        " firmware of edgekit's answers there",
        hint=f"say which: --board {names[0] if names else 'BOARD'}",
    )


def _restarts(found: Candidate) -> bool:
    return any(load_board(match.board).serial.opening_resets for match in found.boards)
