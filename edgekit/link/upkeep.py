# SPDX-License-Identifier: Apache-2.0
"""Keeps a conversation up: the first contact, a higher rate, and the way back after a loss.

Nothing here repeats what was going on: that is whoever asked for it, from the last result that is
confirmed. `Interrupted` says that this is possible.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from edgekit.errors import DeviceError, DeviceTimeout, Interrupted
from edgekit.link.answers import Hello
from edgekit.link.diagnosis import COMMON_RATES, diagnose
from edgekit.link.frame import PROTOCOL_VERSION
from edgekit.link.messages import BY_NAME
from edgekit.link.session import Session, SessionUnknown, other_version
from edgekit.link.transport import PortGone
from edgekit.wait import Deadline

TAKE_UP_S = 20.0
# HELLO at one rate, while it is not known which is the device's.
RATE_TOTAL_S = 1.0
RATE_TRY_S = 0.25
# The device's transmitter empties before its rate changes.
RATE_SETTLE_S = 0.005
# A raised rate is given up where so many requests, and more than one in so many, came to nothing.
RATE_LOSSES = 8
RATE_LOSSES_OF = 4
# At another rate this is a number of damaged frames, after which a device returns to its first.
_GARBLE = b"\x55\x0f\x33\0" * 12

_POWER = "look at the board's supply and cable; edgekit monitor shows what it says as it starts"


class Upkeep:
    """What is known of the device on a session's line, and what is done about losses."""

    def __init__(self, session: Session, *, baud: int, max_baud: int) -> None:
        self.session = session
        self.known: Hello | None = None
        self.baud = baud
        self._first_baud = baud
        self._max_baud = max_baud
        self._rate_tried = False
        self._rate_failures = 0
        self._sent_at, self._resent_at = 0, 0

    def greet(self) -> Hello:
        """The device's hello, in a new session. DeviceError or DeviceTimeout says what was there
        instead."""
        try:
            return self._learn(self._open_somehow())
        except PortGone as gone:
            if not self.session.line.can_reopen:
                raise
            self._reopen(gone)
            return self._learn(self._open_somehow())

    def _open_somehow(self) -> dict[str, Any]:
        try:
            return self.session.open()
        except DeviceTimeout as silence:
            # a device that is still at the rate of another program gives that up for garbage
            self.session.line.send(_GARBLE)
            try:
                return self.session.open(total_s=2 * RATE_TOTAL_S, try_s=RATE_TRY_S)
            except DeviceTimeout:
                raise self._explained(silence) from None

    def _explained(self, silence: DeviceTimeout) -> DeviceError:
        found = diagnose(self.session.line.heard, self.baud)
        rate = self._scan() if found.kind == "noise" else 0
        if rate:
            return DeviceError(
                f"the firmware at {self.session.line.name} talks at {rate} baud, not at"
                f" {self.baud}",
                hint=f"set baud = {rate} in the board file's [serial], or reset the board",
            )
        return DeviceTimeout(f"{silence}: {found.words}", hint=found.hint)

    def _scan(self) -> int:
        """The rate at which the device answers, 0 where it does at none."""
        first = self.baud
        try:
            for rate in COMMON_RATES:
                if rate != first and self._is_at(rate):
                    return rate
        finally:
            self._set_rate(first)
        return 0

    def _is_at(self, rate: int) -> bool:
        if not self._set_rate(rate):
            return False
        try:
            self.session.open(total_s=RATE_TOTAL_S / 2, try_s=RATE_TRY_S)
        except DeviceError:
            return False
        return True

    def _learn(self, values: dict[str, Any]) -> Hello:
        found = Hello(**values)
        if found.protocol_version != PROTOCOL_VERSION:
            raise other_version(found.protocol_version)
        self.known = found
        return found

    def expect_restart(self) -> None:
        """The device was told to start anew: it will be at its first rate."""
        self._set_rate(self._first_baud)
        self._rate_tried = False
        self.known = None

    def take_up(self, lost: DeviceError) -> Interrupted:
        """Finds the device again after `lost` and opens a new session.

        Returns what to raise then; raises `lost` itself, or what is there now, where it cannot.
        """
        before = self.known
        line = self.session.line
        raised = self.baud != self._first_baud
        hopeless = isinstance(lost, DeviceTimeout) and not raised
        if before is None or hopeless or (isinstance(lost, PortGone) and not line.can_reopen):
            raise lost
        old_name = line.name
        now = self._found_again(lost)
        if not before.same_firmware(now):
            raise DeviceError(
                f"another firmware answers at {line.name} in the middle of the run:"
                f" '{now.model_name}' on {now.board} (build {now.build_id})",
                hint="was the board flashed or exchanged meanwhile? repeat the run",
            )
        self.session.stats.taken_up += 1
        if raised and self.baud == self._first_baud:
            self._rate_failures += 1
            self._rate_tried = self._rate_failures > 1
        return _interruption(lost, before, now, old_name, line.name)

    def _found_again(self, lost: DeviceError) -> Hello:
        """Hello after a loss, from whichever rate the device is at."""
        wait = Deadline(TAKE_UP_S, f"way back to {self.session.line.name} after: {lost}")
        raised = self.baud
        while True:
            try:
                if isinstance(lost, PortGone):
                    self._reopen(lost)
                if isinstance(lost, SessionUnknown) or raised == self._first_baud:
                    return self._learn(self.session.open())
                return self._learn(self._open_at(self._first_baud, raised))
            except PortGone as again:
                lost = again
            except DeviceTimeout:
                wait.left_s()
                if raised == self._first_baud:
                    raise
            wait.left_s()

    def _open_at(self, *rates: int) -> dict[str, Any]:
        """HELLO at each of the rates in turn. Raises DeviceTimeout."""
        for rate in rates:
            self._set_rate(rate)
            with contextlib.suppress(DeviceTimeout):
                return self.session.open(total_s=RATE_TOTAL_S, try_s=RATE_TRY_S)
        self.session.line.send(_GARBLE)
        self._set_rate(rates[0])
        return self.session.open(total_s=RATE_TOTAL_S, try_s=RATE_TRY_S)

    def _reopen(self, gone: PortGone) -> None:
        if not self.session.line.can_reopen:
            raise gone
        self.session.line.reopen()
        self.session.forget()
        self._set_rate(self._first_baud)

    def _set_rate(self, rate: int) -> bool:
        if rate == self.baud:
            return True
        if not self.session.line.set_baud(rate):
            return False
        self.baud = rate
        self.session.set_baud(rate)
        return True

    def raise_rate(self) -> None:
        """Goes to the highest rate that both sides hold, once; back where that does not work."""
        if self._rate_tried or self.known is None:
            return
        self._rate_tried = True
        target = min(self._max_baud, self.known.max_baud)
        if target <= self._first_baud or self._rate_failures > 1:
            return
        boot_id = self.known.boot_id
        if not self._move_to(target):
            self._rate_failures += 1
            now = self._learn(self._open_at(self._first_baud, target))
            if now.boot_id != boot_id:
                raise _restarted(self.session.line.name)
        self._sent_at, self._resent_at = self.session.stats.sent, self.session.stats.resent

    def _move_to(self, target: int) -> bool:
        """Both sides to `target`; False where no frame comes through there."""
        session = self.session
        # where the answer is lost it may have happened all the same
        with contextlib.suppress(DeviceTimeout):
            session.ask(BY_NAME["baud"], {"baud": target})
        if not self._set_rate(target):
            return False
        time.sleep(RATE_SETTLE_S)
        try:
            self._learn(session.open(total_s=RATE_TOTAL_S, try_s=RATE_TRY_S))
        except DeviceTimeout:
            return False
        return True

    def watch_rate(self) -> None:
        """Gives a raised rate up where too much is lost at it."""
        if self.baud == self._first_baud:
            return
        lost = self.session.stats.resent - self._resent_at
        sent = self.session.stats.sent - self._sent_at
        if lost >= RATE_LOSSES and lost * RATE_LOSSES_OF > sent:
            self._rate_failures = 2
            self.lower_rate()

    def lower_rate(self) -> None:
        """Back to the first rate, where the next program will look for the device."""
        if self.baud == self._first_baud:
            return
        raised = self.baud
        if not self._move_to(self._first_baud):
            self._learn(self._open_at(self._first_baud, raised))

    def settle(self) -> None:
        """Leaves the device as it was found; what fails is the next program's to mend."""
        with contextlib.suppress(DeviceError):
            if self.known is not None:
                self.lower_rate()


def _restarted(name: str) -> Interrupted:
    interrupted = Interrupted(
        f"the board at {name} was reset in the middle of the run", hint=_POWER
    )
    interrupted.reset = True
    return interrupted


def _interruption(
    lost: DeviceError, before: Hello, now: Hello, old_name: str, name: str
) -> Interrupted:
    """What happened, in words."""
    if before.boot_id != now.boot_id:
        return _restarted(name)
    if isinstance(lost, PortGone):
        back = "came back" if name == old_name else f"came back as {name}"
        return Interrupted(
            f"the port {old_name} went away in the middle of the run and {back}",
            hint="look at the plug and the cable",
        )
    if isinstance(lost, SessionUnknown):
        return Interrupted(
            f"another program talked to the board at {name} in the middle of the run",
            hint="let one program at a time use the board",
        )
    return Interrupted(
        f"the board at {name} did not answer at the raised baud rate",
        hint="lower max_baud in the board file's [serial]",
    )
