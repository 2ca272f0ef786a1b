# SPDX-License-Identifier: Apache-2.0
"""An emulated board as a serial port that any program may open, close and open again."""

from __future__ import annotations

import os
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import DeviceError, EdgekitError
from edgekit.link.emulator import open_wire
from edgekit.link.transport import Autopsy


@dataclass(frozen=True, slots=True)
class Served:
    """`path` is a pty, `died` says how the emulator ended, "" while it runs."""

    path: str
    died: Autopsy

    def wait(self, seconds: float) -> None:
        """Waits so long; DeviceError where the emulator ends meanwhile."""
        if death := self.died(seconds):
            raise DeviceError(death, hint="run it again; if it ends the same way, that says why")


@contextmanager
def serve_command(command: list[str], name: str, link: Path | None) -> Iterator[Served]:
    """Starts `command` with its wire on a pty, which `link` names as long as it runs.

    The pty is held open by us too, so that the emulator sees no end when a program closes it.
    Raises EdgekitError where `link` is there already and is no left-over link.
    """
    with open_wire(command, name, _held) as (path, died), _linked(path, link):
        yield Served(path, died)


@contextmanager
def _held(path: str) -> Iterator[str]:
    handle = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        # else the terminal echoes what the emulator says back to it, and changes line ends
        tty.setraw(handle)
        yield path
    finally:
        os.close(handle)


@contextmanager
def _linked(path: str, link: Path | None) -> Iterator[None]:
    if link is None:
        yield
        return
    if link.is_symlink() and not link.exists():
        link.unlink()  # left over from one that was killed
    try:
        link.symlink_to(path)
    except OSError as error:
        raise EdgekitError(
            f"the name '{link}' cannot be given to the port: {error.strerror}",
            hint="give another name, in a folder that is there: --link FOLDER/NAME",
        ) from error
    try:
        yield
    finally:
        link.unlink(missing_ok=True)
