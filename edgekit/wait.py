# SPDX-License-Identifier: Apache-2.0
"""Every wait has a deadline, and running out names what was being waited for."""

from __future__ import annotations

import time

from edgekit.errors import DeviceTimeout


class Deadline:
    """Time left for one wait of `seconds`; raises DeviceTimeout naming `waiting_for`."""

    def __init__(self, seconds: float, waiting_for: str, *, hint: str = "") -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._waiting_for = waiting_for
        self._hint = hint or "is the board powered and reset, and is the baud rate the firmware's?"

    def left_s(self) -> float:
        """Seconds left, always positive; raises DeviceTimeout when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise DeviceTimeout(
                f"no {self._waiting_for} within {self._seconds:g} s", hint=self._hint
            )
        return left
