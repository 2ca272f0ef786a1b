# SPDX-License-Identifier: Apache-2.0
"""A board on the desk, played by this computer: real firmware on a real pseudo terminal.

The board file is the native one without its emulator, so edgekit takes it for hardware. Flashing
it is a program on PATH that hands over the ELF file, which then is started anew on the same line.
"""

from __future__ import annotations

import os
import subprocess
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgekit.boards import load_board
from edgekit.link.ports import SerialPort

USB = """
[usb]
owner = "probe"
running = ["0483:374b"]

[reset]
enter_bootloader = "probe"

[[flash]]
tool = "openocd"
config = ["board/desk.cfg"]
"""

# Takes `-c "program {ELF} verify reset exit"` apart, notes the arguments, passes the ELF on and
# waits until it runs.
OPENOCD = r"""#!/bin/sh
printf '%s\n' "$@" > "FOLDER/arguments"
for last; do :; done
printf '%s' "$last" | sed 's/^program {//; s/} verify reset exit$//' > "FOLDER/wanted.part"
mv "FOLDER/wanted.part" "FOLDER/wanted"
while [ -e "FOLDER/wanted" ]; do sleep 0.02; done
"""


def board_file(folder: Path, board_id: str = "desk-board") -> Path:
    """The native board as hardware with a debug probe, in `folder`."""
    native = load_board("native")
    assert native.file is not None
    text = native.file.read_text().replace('id = "native"', f'id = "{board_id}"')
    text = text.replace('tried = "host"', 'tried = "compiled"')
    path = folder / f"{board_id}.toml"
    path.write_text(text[: text.index("[emulator]")] + USB)
    return path


class Desk:
    """The line that the board is on, and what runs there."""

    def __init__(self, folder: Path, slave: int) -> None:
        self.folder = folder
        self.device = os.ttyname(slave)
        self.port = SerialPort(self.device, 0x0483, 0x374B, "066F", "STLink")

    def arguments(self) -> list[str]:
        """What the flasher was called with."""
        return (self.folder / "arguments").read_text().splitlines()


@contextmanager
def desk(folder: Path, first: Path | None = None, *, flasher: str = OPENOCD) -> Iterator[Desk]:
    """A board that runs `first` until it is flashed. `folder / "bin"` holds the flasher."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "openocd").write_text(flasher.replace("FOLDER", str(folder)))
    (programs / "openocd").chmod(0o755)
    master, slave = os.openpty()
    tty.setraw(slave)
    over = threading.Event()
    player = threading.Thread(target=_play, args=(folder, master, first, over))
    player.start()
    try:
        yield Desk(folder, slave)
    finally:
        over.set()
        player.join()
        os.close(master)
        os.close(slave)


def _play(folder: Path, line: int, elf: Path | None, over: threading.Event) -> None:
    """Runs `elf`, and what is flashed after it, each in place of the one before."""
    process = _start(elf, line) if elf else None
    wanted = folder / "wanted"
    while not over.wait(0.02):
        if wanted.exists():
            _end(process)
            process = _start(Path(wanted.read_text()), line)
            wanted.unlink()
    _end(process)


def _start(elf: Path, line: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([str(elf)], stdin=line, stdout=line)


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        process.kill()
        process.wait()
