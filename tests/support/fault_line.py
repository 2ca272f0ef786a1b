# SPDX-License-Identifier: Apache-2.0
"""A line that errs by plan, with a seed: it stands between the host's port and a real firmware.

Frame by frame, in both directions, one of the chosen faults happens at the chosen rate:
"drop", "duplicate" (the second at once or later), "delay" (what follows overtakes it), "corrupt"
(some bytes are others), "truncate" (its end, and perhaps the zero after it, is lost), "reorder"
(after the next frame of its direction), "noise" (garbage before it), "vanish" (the port goes away
with all that is on the line, and comes back under another name), "reset" (the device starts anew).
With `rates` the line carries bytes only where both ends have set the same baud rate.
"""

from __future__ import annotations

import heapq
import os
import random
import select
import termios
import threading
import time
import tty
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType

FAULTS = ("drop", "duplicate", "delay", "corrupt", "truncate", "reorder", "noise", "vanish")
LONGEST_DELAY_S = 0.4
AWAY_S = (0.02, 0.2)
# Bytes that no zero follows are passed on after so long.
REST_S = 0.02
IN_FLIGHT_S = 0.03
TO_DEVICE, TO_HOST = "to device", "to host"


class FaultLine:
    """`with FaultLine(fd, kinds, rate, seed) as line:` then the host opens `line.path()`.

    `device` is the device's end: a file descriptor, not closed here. `restart` resets it.
    `injected` counts what was done, `frames` what came.
    """

    def __init__(
        self,
        device: int,
        kinds: Sequence[str],
        rate: float,
        seed: int,
        *,
        restart: Callable[[], None] | None = None,
        rates: bool = False,
    ) -> None:
        self.injected: Counter[str] = Counter()
        self.frames = 0
        self.error: BaseException | None = None
        self._device, self._kinds, self._rate = device, tuple(kinds), rate
        self._restart, self._rates = restart, rates
        self._rng = random.Random(seed)
        self._held: dict[str, bytearray] = {TO_DEVICE: bytearray(), TO_HOST: bytearray()}
        self._since: dict[str, float] = {}
        self._reordered: dict[str, bytes] = {}
        self._later: list[tuple[float, int, str, bytes]] = []
        self._order = 0
        self._back_at = self._agreed_at = 0.0
        self._master = self._slave = -1
        self._next: tuple[int, int] | None = None
        self._open_host()
        os.set_blocking(device, False)
        self._over = threading.Event()
        self._wanted_away = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def path(self) -> str:
        """The host's port as it is called now, "" while there is none."""
        slave = self._slave
        return os.ttyname(slave) if slave >= 0 else ""

    def vanish(self) -> None:
        """The port goes away now, and comes back."""
        self._wanted_away.set()
        while self._wanted_away.is_set():
            time.sleep(0.001)

    def __enter__(self) -> FaultLine:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(timeout=10)
        self._close_host()
        _close(*(self._next or ()))
        if self.error is not None and error is None:
            raise self.error

    def _open_host(self) -> None:
        self._master, self._slave = self._next or _new_pty()
        self._next = None

    def _close_host(self) -> None:
        master, slave, self._master, self._slave = self._master, self._slave, -1, -1
        _close(slave, master)

    def _serve(self) -> None:
        try:
            while not self._over.is_set():
                self._turn()
        except BaseException as error:
            self.error = error

    def _turn(self) -> None:
        if self._rates:
            self._rate_differs()
        if self._wanted_away.is_set():
            self._vanish()
            self._wanted_away.clear()
        if self._master < 0 and time.monotonic() >= self._back_at:
            self._open_host()
        ends = [fd for fd in (self._master, self._device) if fd >= 0]
        for fd in select.select(ends, [], [], self._pause_s())[0]:
            self._take(TO_HOST if fd == self._device else TO_DEVICE, fd)
        now = time.monotonic()
        for way, since in list(self._since.items()):
            if now - since > REST_S and self._held[way]:
                self._pass(way, bytes(self._held[way]))
                self._held[way].clear()
        while self._later and self._later[0][0] <= now:
            _, _, way, data = heapq.heappop(self._later)
            self._pass(way, data)

    def _pause_s(self) -> float:
        due = [self._later[0][0]] if self._later else []
        due += [self._since[way] + REST_S for way in self._since if self._held[way]]
        due += [self._back_at] if self._master < 0 else []
        return min(0.05, max(0.0, min(due, default=1e9) - time.monotonic()))

    def _take(self, way: str, fd: int) -> None:
        differs = self._rate_differs()
        try:
            data = os.read(fd, 4096)
        except OSError:
            data = b""  # nobody there at the moment
        if not data:
            time.sleep(0.001)
            return
        if self._rates and differs:
            self._pass(way, self._garbled(data))
            return
        held = self._held[way]
        held += data
        self._since[way] = time.monotonic()
        *whole, rest = bytes(held).split(b"\0")
        self._held[way] = bytearray(rest)
        for frame in whole:
            self._frame(way, frame + b"\0")

    def _frame(self, way: str, frame: bytes) -> None:
        """One frame with its zero, or a lone zero, which nothing happens to."""
        if len(frame) == 1:
            self._pass(way, frame)
            return
        self.frames += 1
        fault = ""
        if self._kinds and self._rng.random() < self._rate:
            fault = self._rng.choice(self._kinds)
            self.injected[fault] += 1
        self._do(fault, way, frame)
        kept = self._reordered.pop(way, b"") if fault != "reorder" else b""
        self._pass(way, kept)

    def _do(self, fault: str, way: str, frame: bytes) -> None:
        rng = self._rng
        if fault == "duplicate":
            self._pass(way, frame)
            self._after(rng.choice([0.0, rng.uniform(0, LONGEST_DELAY_S)]), way, frame)
        elif fault == "delay":
            self._after(rng.uniform(0.001, LONGEST_DELAY_S), way, frame)
        elif fault == "corrupt":
            self._pass(way, _corrupted(frame, rng))
        elif fault == "truncate":
            end = rng.choice([b"", b"\0"])
            self._pass(way, frame[: rng.randrange(len(frame) - 1)] + end)
        elif fault == "reorder":
            self._pass(way, self._reordered.get(way, b""))
            self._reordered[way] = frame
        elif fault == "noise":
            self._pass(way, rng.randbytes(rng.randrange(1, 40)) + frame)
        elif fault == "vanish":
            self._vanish()
        elif fault == "reset" and self._restart is not None:
            self._restart()
        elif fault != "drop":
            self._pass(way, frame)

    def _vanish(self) -> None:
        self._next = _new_pty()  # opened before the old one is closed: it has another name
        self._close_host()
        self._back_at = time.monotonic() + self._rng.uniform(*AWAY_S)
        self._later.clear()
        self._reordered.clear()
        for held in self._held.values():
            held.clear()

    def _after(self, seconds: float, way: str, frame: bytes) -> None:
        self._order += 1
        heapq.heappush(self._later, (time.monotonic() + seconds, self._order, way, frame))

    def _pass(self, way: str, data: bytes) -> None:
        """Hands bytes on; what an end does not take within a second is lost, as on a real line."""
        end = time.monotonic() + 1.0
        while data and time.monotonic() < end:
            fd = self._device if way == TO_DEVICE else self._master
            if fd < 0:
                return
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                return

    def _rate_differs(self) -> bool:
        """Whether the ends differ, and have for longer than bytes may have been on their way."""
        now = time.monotonic()
        if self._master < 0 or _speed(self._master) == _speed(self._device):
            self._agreed_at = now
        return now - self._agreed_at > IN_FLIGHT_S

    def _garbled(self, data: bytes) -> bytes:
        """What a receiver at another rate makes of `data`: other bytes, zeros among them."""
        bytes_out = self._rng.randbytes(2 * len(data))
        return bytes(0 if byte < 40 else byte for byte in bytes_out)


def _new_pty() -> tuple[int, int]:
    """Both ends, the line raw, the first not blocking."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    return master, slave


def _close(*ends: int) -> None:
    for end in ends:
        if end >= 0:
            os.close(end)


def _speed(fd: int) -> int:
    return int(termios.tcgetattr(fd)[4])


def _corrupted(frame: bytes, rng: random.Random) -> bytes:
    changed = bytearray(frame)
    for _ in range(rng.choice([1, 1, 2, 4])):
        changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
    return bytes(changed)
