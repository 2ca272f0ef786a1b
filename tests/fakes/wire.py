# SPDX-License-Identifier: Apache-2.0
"""Raw frames to an app in a process, without the host's client in between."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import serial

from edgekit.link import messages
from edgekit.link.frame import Frame, FrameReader, encode_frame
from edgekit.link.messages import BY_NAME
from edgekit.wait import Deadline


class Wire:
    """Bytes as they are out, frames in."""

    def __init__(self, port: serial.Serial) -> None:
        self._port = port
        self._waiting: list[Frame] = []
        self.reader = FrameReader()
        self.session = 0

    def open_session(self, request_id: int = 1) -> None:
        """HELLO; what `request` makes afterwards is of its session."""
        hello = self.request("hello", request_id, {"nonce": random.randrange(1, 1 << 32)})
        (frame,) = self.ask(hello, frames=1)
        self.session = frame.session

    def request(self, name: str, request_id: int, values: dict[str, object] | None = None) -> bytes:
        """A request of the session."""
        message = BY_NAME[name]
        payload = messages.pack(message.request, values or {})
        return encode_frame(message.number, request_id, payload, session=self.session)

    def send(self, data: bytes) -> None:
        """Writes, taking in what comes meanwhile, so that neither side's buffer fills up."""
        self._port.write(data)
        if self._port.in_waiting:
            self._take()

    def ask(self, data: bytes, *, frames: int) -> list[Frame]:
        """Writes `data`, then waits for so many frames."""
        self.send(data)
        wait = Deadline(10, "frames")
        while len(self._waiting) < frames:
            wait.left_s()
            self._take()
        got, self._waiting = self._waiting[:frames], self._waiting[frames:]
        return got

    def until(self, data: bytes, last: Callable[[Frame], bool]) -> list[Frame]:
        """Writes `data`, then gives all frames up to the first for which `last` holds."""
        got = self.ask(data, frames=1)
        while not last(got[-1]):
            got += self.ask(b"", frames=1)
        return got

    def _take(self) -> None:
        self._waiting += self.reader.feed(self._port.read(max(1, self._port.in_waiting)))


@contextmanager
def open_wire(command: list[str]) -> Iterator[Wire]:
    """`command` with its fd 0 and 1 on a pty."""
    master, slave = os.openpty()
    port = serial.Serial(os.ttyname(slave), timeout=0.02, write_timeout=5, exclusive=True)
    process = subprocess.Popen(command, stdin=master, stdout=master)
    os.close(master)
    os.close(slave)
    try:
        with port:
            yield Wire(port)
    finally:
        process.kill()
        process.wait()
