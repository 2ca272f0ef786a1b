# SPDX-License-Identifier: Apache-2.0
"""Ports that go away and come back: the touch at 1200 baud, the wait for what follows, and the
way back to a device whose port was lost in the middle.

Times are those of Arduino's serial utilities: half a second before the list is asked for, since
asking may cancel the reset; a port counts once it is there for a second, since some flicker.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from edgekit.errors import DeviceError
from edgekit.link.ports import SerialPort, plugged_ports
from edgekit.link.transport import Reopen, SerialLike, open_serial
from edgekit.wait import Deadline

TOUCH_BAUD = 1200
SETTLE_S = 0.5
POLL_S = 0.25
STABLE_S = 1.0
TIMEOUT_S = 10.0


def touch(device: str) -> None:
    """Opens and closes `device` at 1200 baud: many bootloaders take that as a call.

    Raises DeviceError where the port cannot be opened.
    """
    port = open_serial(device, TOUCH_BAUD)
    with contextlib.suppress(OSError):  # no such line on a pseudo terminal
        port.dtr = False
    with contextlib.suppress(OSError):  # gone already: it reacts
        port.close()
    time.sleep(SETTLE_S)


def wait_for_port(
    wanted: Callable[[SerialPort], bool],
    what: str,
    *,
    hint: str = "",
    timeout_s: float = TIMEOUT_S,
    stable_s: float = STABLE_S,
    ports: Callable[[], Sequence[SerialPort]] | None = None,
) -> SerialPort:
    """The first port that is `wanted` and stays under its name for `stable_s`.

    `ports` lists what is plugged in. Raises DeviceTimeout that names `what`.
    """
    look = ports or plugged_ports
    deadline = Deadline(timeout_s, what, hint=hint)
    seen: SerialPort | None = None
    since = 0.0
    while True:
        now = next((port for port in look() if wanted(port)), None)
        if now is None or seen is None or now.device != seen.device:
            seen, since = now, time.monotonic()
        if now is not None and time.monotonic() - since >= stable_s:
            return now
        time.sleep(min(POLL_S, deadline.left_s()))


def wait_for_return(
    before: SerialPort,
    *,
    timeout_s: float = TIMEOUT_S,
    stable_s: float = STABLE_S,
    ports: Callable[[], Sequence[SerialPort]] | None = None,
) -> SerialPort:
    """The port of the device that was `before`, by its USB serial number: its name may change.

    Without a serial number, the port of the same name and id. Raises DeviceTimeout.
    """

    def same(port: SerialPort) -> bool:
        if not before.serial_number:
            return (port.device, port.usb_id) == (before.device, before.usb_id)
        # one device may have several ports, all of one serial number
        moved = before.location and port.location and port.location != before.location
        return port.serial_number == before.serial_number and not moved

    who = f"serial number {before.serial_number}" if before.serial_number else before.device
    return wait_for_port(
        same,
        f"return of the port of {who}",
        hint="unplug the board and plug it in again",
        timeout_s=timeout_s,
        stable_s=stable_s,
        ports=ports,
    )


def reopener(
    url: str,
    baud: int,
    *,
    find: Callable[[], str] | None = None,
    ports: Callable[[], Sequence[SerialPort]] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Reopen:
    """What opens the port `url` again after it went away, at `baud`, under its new name.

    A USB port is found by its serial number; `find` may look itself, and gives "" while there is
    nothing; any other port has to come back under its own name. The function raises DeviceTimeout.
    """
    look = ports or plugged_ports
    here = next((port for port in look() if port.device == url), None)

    def again() -> SerialLike:
        if find is None and here is not None and here.usb_id:
            return open_serial(wait_for_return(here, timeout_s=timeout_s, ports=ports).device, baud)
        what = f"return of the port {url}"
        deadline = Deadline(timeout_s, what, hint="plug the board in again, and repeat")
        while True:
            name = find() if find is not None else url
            try:
                if name:
                    return open_serial(name, baud, patience_s=0.0)
            except DeviceError:
                pass  # not yet: the deadline speaks where it never comes
            time.sleep(min(POLL_S / 5, deadline.left_s()))

    return again
