# SPDX-License-Identifier: Apache-2.0
"""A serial line, any of pySerial's URLs: failures in words, and nothing waits for ever."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Protocol

import serial

from edgekit.errors import DeviceError, DeviceTimeout

# One slice of waiting: short enough to notice within it that an emulator has died.
SLICE_S = 0.1
WRITE_TIMEOUT_S = 10.0


class SerialLike(Protocol):
    """What the link needs of a port; pySerial's classes have it."""

    name: str | None

    @property
    def in_waiting(self) -> int: ...

    def read(self, size: int = 1, /) -> bytes: ...

    def write(self, data: bytes, /) -> int | None: ...


# Called with how long it may wait; says how the other end died, "" while it lives.
Autopsy = Callable[[float], str]


def open_serial(url: str, baud: int) -> serial.SerialBase:
    """Opens `url` (a device path or any pySerial URL) exclusively, with both timeouts set.

    Raises DeviceError naming the port and what to do.
    """
    try:
        return serial.serial_for_url(
            url, baudrate=baud, timeout=SLICE_S, write_timeout=WRITE_TIMEOUT_S, exclusive=True
        )
    except (OSError, ValueError) as error:  # SerialException is an OSError
        raise DeviceError(
            f"the port {url} cannot be opened: {_why(error)}", hint=_cure(error)
        ) from error


def _why(error: Exception) -> str:
    number = getattr(error, "errno", None)
    words = {
        errno.ENOENT: "there is no such port",
        errno.EACCES: "you may not use it",
        errno.EBUSY: "another program uses it",
        errno.EAGAIN: "another program uses it",
    }
    return words.get(number or 0, str(error).splitlines()[0])


def _cure(error: Exception) -> str:
    cures = {
        errno.ENOENT: "edgekit ports shows what is plugged in",
        errno.EACCES: "join the port's group and log in again: sudo usermod -aG dialout $USER",
        errno.EBUSY: "close the terminal or monitor that holds it",
        errno.EAGAIN: "close the terminal or monitor that holds it",
    }
    fallback = "give a device path such as /dev/ttyACM0 or a URL such as socket://host:port"
    return cures.get(getattr(error, "errno", None) or 0, fallback)


class Line:
    """Bytes out, bytes in. `autopsy` is asked when the port fails or stays silent."""

    def __init__(self, port: SerialLike, autopsy: Autopsy | None = None) -> None:
        self._port = port
        self._autopsy: Autopsy = autopsy or (lambda _wait_s: "")
        self.name = port.name or "the port"

    def send(self, data: bytes) -> None:
        """Hands all of `data` to the port; DeviceError where it is gone or takes nothing."""
        try:
            self._port.write(data)
        except serial.SerialTimeoutException:
            raise DeviceTimeout(
                f"{self.name} took no data for {WRITE_TIMEOUT_S:g} s",
                hint="is the firmware running? reset the board",
            ) from None
        except OSError as error:
            raise self._gone(error) from error

    def receive(self) -> bytes:
        """What has arrived, after at most one slice of waiting; b"" where nothing has."""
        try:
            data = self._port.read(max(1, self._port.in_waiting))
        except OSError as error:
            raise self._gone(error) from error
        if not data and (death := self._autopsy(0.0)):
            raise DeviceError(death, hint=_DEAD)
        return data

    def _gone(self, error: OSError) -> DeviceError:
        if death := self._autopsy(1.0):
            return DeviceError(death, hint=_DEAD)
        return DeviceError(
            f"the port {self.name} went away in the middle of the run ({error})",
            hint="plug the board in again and repeat",
        )


_DEAD = "repeat the run; if it ends the same way, the last lines above say why"
