# SPDX-License-Identifier: Apache-2.0
"""`edgekit.monitor(port)`: what a board says, in frames and in plain text, with time stamps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.boards import all_boards, load_board

if TYPE_CHECKING:
    from edgekit.link.monitor import Said

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class MonitorRecord:
    """One thing that was heard: `kind` is "log", "error", "frame" or "text"; `at_s` seconds since
    the monitor began, `clock` the time of day in ISO 8601."""

    at_s: float
    clock: str
    kind: str
    text: str


def monitor(
    port: str = AUTO,
    *,
    board: str = "",
    baud: int = 0,
    seconds: float | None = None,
    heard: Callable[[MonitorRecord], None] | None = None,
) -> tuple[MonitorRecord, ...]:
    """Listen at `port` for `seconds` (None: until the port goes away or Ctrl-C).

    `port` is as for `edgekit.flash`; `board` narrows `auto` down and gives the baud rate. Each
    record is handed to `heard` as it comes, and all are returned. Raises DeviceError where the
    port cannot be opened or goes away.
    """
    from edgekit.verbs.ports import baud_of, choose_port

    boards = [load_board(board)] if board else all_boards()
    found = choose_port(port, boards)
    known = boards[0].serial.baud if board else baud_of(found, boards)
    records = []
    try:
        for record in _listen(found.port.device, baud or known, seconds):
            records.append(record)
            if heard is not None:
                heard(record)
    except KeyboardInterrupt:
        pass  # the way to end it
    return tuple(records)


def _listen(device: str, baud: int, seconds: float | None) -> Iterator[MonitorRecord]:
    from datetime import datetime

    from edgekit.link.monitor import Listener
    from edgekit.link.transport import Line, open_serial

    begin = time.monotonic()
    with open_serial(device, baud) as port:
        line, listener = Line(port), Listener()
        while seconds is None or time.monotonic() - begin < seconds:
            chunk = line.receive()
            for said in listener.feed(chunk) if chunk else listener.quiet():
                now = datetime.now().astimezone().isoformat(timespec="milliseconds")
                yield _record(said, time.monotonic() - begin, now)
        for said in listener.end():
            now = datetime.now().astimezone().isoformat(timespec="milliseconds")
            yield _record(said, time.monotonic() - begin, now)


def _record(said: Said, at_s: float, clock: str) -> MonitorRecord:
    return MonitorRecord(round(at_s, 3), clock, said.kind, said.text)
