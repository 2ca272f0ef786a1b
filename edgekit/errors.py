# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, in words: each error says what happened and what to do next."""

from __future__ import annotations


class EdgekitError(Exception):
    """Something the user can act on: `str(error)` says what is wrong, `hint` what to do."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class LimitBroken(EdgekitError):
    """Results differ, or a limit (flash, RAM, a regression bound) is broken."""

    exit_code = 1


class ToolMissing(EdgekitError):
    """A program that the stage runs is not installed; the hint is the line that installs it."""

    exit_code = 3


class DeviceError(EdgekitError):
    """The device did not answer, or answered something that cannot be right."""

    exit_code = 4


class DeviceTimeout(DeviceError):
    """A wait on the device ran out."""


class Interrupted(DeviceError):
    """The device was lost in the middle and answers again: what it held is gone, and what was
    going on can be repeated from the last confirmed result. `reset` says that it was restarted.
    """

    reset = False
