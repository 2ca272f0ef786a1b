# SPDX-License-Identifier: Apache-2.0
"""Disks that bootloaders show: found by name, written to, and done when they are gone."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from edgekit.errors import DeviceError
from edgekit.wait import Deadline

# Where desktops mount what is plugged in.
MOUNTS = ("/media/*", "/media/*/*", "/run/media/*/*", "/mnt/*", "/Volumes/*")
# Every UF2 bootloader has this file (microsoft/uf2 README, "Files exposed by bootloaders").
MARK = "INFO_UF2.TXT"
APPEAR_TIMEOUT_S = 30.0
VANISH_TIMEOUT_S = 60.0
_POLL_S = 0.25


def find_disk(name: str, mounts: Sequence[str] = MOUNTS) -> Path | None:
    """The mounted disk of a UF2 bootloader whose name begins with `name`."""
    for pattern in mounts:
        for folder in sorted(Path("/").glob(pattern.lstrip("/"))):
            if folder.name.startswith(name) and (folder / MARK).is_file():
                return folder
    return None


def copy_to_disk(
    source: Path,
    name: str,
    *,
    mounts: Sequence[str] = MOUNTS,
    appear_s: float = APPEAR_TIMEOUT_S,
    vanish_s: float = VANISH_TIMEOUT_S,
) -> Path:
    """Copies `source` to the disk `name` once it is there, and waits until the board takes it away.

    Raises DeviceTimeout where the disk does not come or does not go, DeviceError where it is full
    or may not be written.
    """
    coming = Deadline(appear_s, f"disk {name}", hint="mount it if the desktop does not by itself")
    while (disk := find_disk(name, mounts)) is None:
        time.sleep(min(_POLL_S, coming.left_s()))
    _write(source, disk)
    leaving = Deadline(
        vanish_s,
        f"vanishing of the disk {name}",
        hint=f"the bootloader did not take the file; {disk}/{MARK} says which chip it is",
    )
    while find_disk(name, mounts) is not None:
        time.sleep(min(_POLL_S, leaving.left_s()))
    return disk


def _write(source: Path, disk: Path) -> None:
    try:
        with (disk / source.name).open("wb") as target:
            target.write(source.read_bytes())
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        if find_disk(disk.name, (str(disk),)) is None:
            return  # gone in the middle of closing: the last block was the program's end
        raise DeviceError(
            f"'{source.name}' cannot be copied to {disk}: {error.strerror}",
            hint="press the board's reset twice, or unplug it and begin anew",
        ) from error
