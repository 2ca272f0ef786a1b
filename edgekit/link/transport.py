# SPDX-License-Identifier: Apache-2.0
"""A serial line, any of pySerial's URLs: failures in words, and nothing waits for ever."""

from __future__ import annotations

import contextlib
import errno
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import serial

from edgekit.errors import DeviceError, DeviceTimeout

# One slice of waiting: short enough to ask again soon where an answer is lost, and to notice
# within it that an emulator has died.
SLICE_S = 0.02
WRITE_TIMEOUT_S = 10.0
# A port that has just been plugged in is udev's and ModemManager's for a moment.
OPEN_PATIENCE_S = 3.0
OPEN_RETRY_S = 0.1
# What is kept of the last bytes, to say what the line carried where no frame came.
HEARD_BYTES = 512

# termios has an error of its own; a port closed by another thread has no file any more
_FAILURES = (OSError, termios.error, TypeError)
_TRANSIENT = {errno.EACCES, errno.EBUSY, errno.EAGAIN, errno.EIO}


class PortGone(DeviceError):
    """The port failed in the middle: unplugged, reset, or taken away by the system."""


class SerialLike(Protocol):
    """What the link needs of a port; pySerial's classes have it."""

    name: str | None

    @property
    def in_waiting(self) -> int: ...

    def read(self, size: int = 1, /) -> bytes: ...

    def write(self, data: bytes, /) -> int | None: ...


# Called with how long it may wait; says how the other end died, "" while it lives.
Autopsy = Callable[[float], str]
# Gives the port anew after it went away, under whatever name, and its name.
Reopen = Callable[[], SerialLike]


def open_serial(url: str, baud: int, *, patience_s: float = OPEN_PATIENCE_S) -> serial.SerialBase:
    """Opens `url` (a device path or any pySerial URL) exclusively, with both timeouts set.

    A device that may not be used, or is in use, is tried again for `patience_s`. Raises
    DeviceError naming the port, who holds it where that can be seen, and what to do.
    """
    end = time.monotonic() + patience_s
    while True:
        try:
            return serial.serial_for_url(
                url, baudrate=baud, timeout=SLICE_S, write_timeout=WRITE_TIMEOUT_S, exclusive=True
            )
        except (OSError, ValueError) as error:  # SerialException is an OSError
            passing = getattr(error, "errno", None) in _TRANSIENT
            if not passing or time.monotonic() >= end:
                raise _cannot_open(url, error, patience_s if passing else 0.0) from error
        time.sleep(OPEN_RETRY_S)


def _cannot_open(url: str, error: Exception, tried_s: float) -> DeviceError:
    number = getattr(error, "errno", None) or 0
    busy = number in (errno.EBUSY, errno.EAGAIN)
    holder = _holder(url) if busy else ""
    words = {
        errno.ENOENT: "there is no such port",
        errno.EACCES: "you may not use it",
        errno.EBUSY: f"{holder or 'another program'} uses it",
        errno.EAGAIN: f"{holder or 'another program'} uses it",
    }
    why = words.get(number, str(error).splitlines()[0])
    tried = f" (tried for {tried_s:g} s)" if tried_s else ""
    cures = {
        errno.ENOENT: "edgekit ports shows what is plugged in",
        errno.EACCES: "join the port's group and log in again: sudo usermod -aG dialout $USER",
        errno.EBUSY: _free(holder),
        errno.EAGAIN: _free(holder),
    }
    fallback = "give a device path such as /dev/ttyACM0 or a URL such as socket://host:port"
    return DeviceError(
        f"the port {url} cannot be opened: {why}{tried}", hint=cures.get(number, fallback)
    )


def _free(holder: str) -> str:
    if holder.startswith("ModemManager"):
        return "edgekit doctor shows the udev rule that keeps ModemManager off boards"
    return "close the terminal or monitor that holds it"


def _holder(device: str) -> str:
    """Name and number of a process that has `device` open, "" where none can be seen."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # another user's, or gone meanwhile
            if any(_target(link) == device for link in (entry / "fd").iterdir()):
                return f"{(entry / 'comm').read_text().strip()} (process {entry.name})"
    return ""


def _target(link: Path) -> str:
    """What an open file is, "" where it was closed meanwhile."""
    try:
        return str(link.readlink())
    except OSError:
        return ""


class Line:
    """Bytes out, bytes in. `autopsy` is asked when the port fails or stays silent; `reopen` gives
    the port anew after it went away. `heard` are the last bytes that came."""

    def __init__(
        self, port: SerialLike, autopsy: Autopsy | None = None, reopen: Reopen | None = None
    ) -> None:
        self._port = port
        self._autopsy: Autopsy = autopsy or (lambda _wait_s: "")
        self._reopen = reopen
        self.name = port.name or "the port"
        self.heard = b""

    @property
    def can_reopen(self) -> bool:
        return self._reopen is not None

    def reopen(self) -> None:
        """Waits until the port is back, under whatever name. Raises DeviceTimeout."""
        assert self._reopen is not None
        self.close()
        self._port = self._reopen()
        self.name = self._port.name or "the port"
        self.heard = b""

    def close(self) -> None:
        """Closes the port, where it is one that can be."""
        close = getattr(self._port, "close", None)
        if close is not None:
            with contextlib.suppress(*_FAILURES):  # it is gone
                close()

    def set_baud(self, baud: int) -> bool:
        """Changes this end's rate once all is sent; False where the port cannot have it."""
        port = self._port
        if not hasattr(port, "baudrate"):
            return False
        try:
            port.flush()  # type: ignore[attr-defined]
            port.baudrate = baud
        except (*_FAILURES, ValueError, NotImplementedError):
            return False
        return True

    def send(self, data: bytes) -> None:
        """Hands all of `data` to the port; PortGone where it is gone, DeviceTimeout where it takes
        nothing."""
        try:
            self._port.write(data)
        except serial.SerialTimeoutException:
            raise DeviceTimeout(
                f"{self.name} took no data for {WRITE_TIMEOUT_S:g} s",
                hint="is the firmware running? reset the board",
            ) from None
        except _FAILURES as error:
            raise self._gone(error) from error

    def receive(self) -> bytes:
        """What has arrived, after at most one slice of waiting; b"" where nothing has."""
        try:
            data = self._port.read(max(1, self._port.in_waiting))
        except _FAILURES as error:
            raise self._gone(error) from error
        if not data and (death := self._autopsy(0.0)):
            raise DeviceError(death, hint=_DEAD)
        if data:
            self.heard = (self.heard + data)[-HEARD_BYTES:]
        return data

    def _gone(self, error: Exception) -> DeviceError:
        if death := self._autopsy(1.0):
            return DeviceError(death, hint=_DEAD)
        return PortGone(
            f"the port {self.name} went away in the middle of the run ({error})",
            hint="plug the board in again and repeat",
        )


_DEAD = "repeat the run; if it ends the same way, the last lines above say why"
