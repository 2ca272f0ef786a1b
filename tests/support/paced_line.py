# SPDX-License-Identifier: Apache-2.0
"""A line that carries bytes no faster than a baud rate allows, and counts them.

Each direction has its own wire, as a UART has. A byte is handed on when its last bit would have
arrived; what the operating system adds to that by waking us late is counted as `late_s`.
"""

from __future__ import annotations

import os
import select
import threading
import time
import tty
from types import TracebackType

BITS_PER_BYTE = 10
# Handed on at once: a packet of full-speed USB.
_CHUNK_BYTES = 64


class PacedLine:
    """`with PacedLine(fd, baud) as line:` then the host opens `line.path`. `bytes` counts both
    ways, `late_s` by how much chunks came later than the wire alone would have brought them."""

    def __init__(self, device: int, baud: int) -> None:
        self.bytes = 0
        self.late_s = 0.0
        self._byte_s = BITS_PER_BYTE / baud
        self._device = device
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._over = threading.Event()
        ends = ((self._master, device), (device, self._master))
        self._threads = [
            threading.Thread(target=self._carry, args=pair, daemon=True) for pair in ends
        ]

    def __enter__(self) -> PacedLine:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=5)
        os.close(self._master)
        os.close(self._slave)

    def _carry(self, source: int, target: int) -> None:
        free_at = 0.0
        while not self._over.is_set():
            idle = not select.select([source], [], [], 0.0)[0]
            if idle and not select.select([source], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(source, 4096)
            except OSError:
                return
            if idle:  # else the bytes were there when the last ones went out
                free_at = max(free_at, time.perf_counter())
            self.bytes += len(data)
            for at in range(0, len(data), _CHUNK_BYTES):
                part = data[at : at + _CHUNK_BYTES]
                free_at += len(part) * self._byte_s
                _sleep_until(free_at)
                os.write(target, part)
            self.late_s += max(0.0, time.perf_counter() - free_at)


def _sleep_until(moment: float) -> None:
    left = moment - time.perf_counter()
    if left > 0:
        time.sleep(left)
