# SPDX-License-Identifier: Apache-2.0
"""A board's device, opened: an emulated one is started first and ended whatever happens.

The port is open before the first instruction runs, so nothing the firmware says is lost. No
folder, file name or process outlives the `with` block, also after Ctrl-C or a kill of edgekit.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO, TypeVar

from edgekit.boards import Board, Emulator
from edgekit.errors import EdgekitError
from edgekit.link.device import RUN_TIMEOUT_S, TIMEOUT_S, Device
from edgekit.link.reenumerate import reopener
from edgekit.link.transport import Autopsy, open_serial
from edgekit.tools import find_tool

# An emulator shares the computer with others: its silence means less than a board's.
EMULATOR_TIMEOUT_S = 5.0
# a pty takes any
_ANY_BAUD = 115200
_LAST_LINES = 3

Wire = TypeVar("Wire")


@contextmanager
def open_board(
    board: Board,
    elf: Path,
    *,
    port: str = "",
    run_timeout_s: float = RUN_TIMEOUT_S,
    plugin: str = "",
) -> Iterator[Device]:
    """The device that runs `elf`: native process, QEMU, or what is plugged in at `port` (any
    pySerial URL; `elf` is then taken to be on it already). `plugin` is QEMU's option for one.
    Raises DeviceError, ToolMissing.
    """
    max_baud = board.serial.max_baud
    if port:
        opened = open_port(port, board.serial.baud, run_timeout_s=run_timeout_s, max_baud=max_baud)
    elif board.emulator is None:
        raise EdgekitError(
            f"board '{board.id}' is hardware: it needs a serial port",
            hint="say which: --port /dev/ttyACM0",
        )
    elif board.emulator.program == "native":
        opened = open_command(
            native_command(elf), elf.name, run_timeout_s=run_timeout_s, max_baud=max_baud
        )
    else:
        name = f"{board.emulator.program} ({board.emulator.machine})"
        command = qemu_command(board.emulator, elf)
        command += ["-plugin", plugin] if plugin else []
        opened = open_command(command, name, run_timeout_s=run_timeout_s, max_baud=max_baud)
    with opened as device:
        yield device


@contextmanager
def open_port(
    url: str,
    baud: int,
    *,
    timeout_s: float = TIMEOUT_S,
    run_timeout_s: float = RUN_TIMEOUT_S,
    max_baud: int = 0,
    find: Callable[[], str] | None = None,
) -> Iterator[Device]:
    """A device that is there already. Where its port goes away it is awaited: by its USB serial
    number, by `find`, or under its own name (see `reopener`).
    """
    port = open_serial(url, baud)
    device = Device(
        port,
        timeout_s=timeout_s,
        run_timeout_s=run_timeout_s,
        baud=baud,
        max_baud=max_baud,
        reopen=reopener(url, baud, find=find),
    )
    try:
        yield device
        device.settle()
    finally:
        device.close()


@contextmanager
def open_command(
    command: list[str], name: str, *, run_timeout_s: float = RUN_TIMEOUT_S, max_baud: int = 0
) -> Iterator[Device]:
    """Starts `command`, whose fd 0 and 1 are the device's wire: the other end of a pty."""
    with open_wire(command, name, lambda path: open_serial(path, _ANY_BAUD)) as (port, autopsy):
        yield Device(
            port,
            timeout_s=EMULATOR_TIMEOUT_S,
            run_timeout_s=run_timeout_s,
            baud=_ANY_BAUD,
            max_baud=max_baud,
            autopsy=autopsy,
        )


@contextmanager
def open_wire(
    command: list[str], name: str, opened: Callable[[str], AbstractContextManager[Wire]]
) -> Iterator[tuple[Wire, Autopsy]]:
    """Starts `command` with fd 0 and 1 on a pty whose path `opened` opens, and says how it died.

    The other end is opened first and the process started after, so there is nothing to lose.
    """
    with ExitStack() as stack:
        master, slave = os.openpty()
        try:
            wire = stack.enter_context(opened(os.ttyname(slave)))
            log = stack.enter_context(tempfile.TemporaryFile())
            process = stack.enter_context(_process(command, wire=master, log=log))
        finally:
            # the process alone holds the master now: its death is seen on the port at once
            os.close(master)
            os.close(slave)
        yield wire, lambda wait_s: _autopsy(process, name, log, wait_s)


def native_command(elf: Path) -> list[str]:
    """The app built for this computer is its own emulator."""
    return [str(elf.resolve())]


def qemu_command(emulator: Emulator, elf: Path) -> list[str]:
    """`elf` in QEMU, its first UART on fd 0 and 1. Raises ToolMissing."""
    command = [str(find_tool(emulator.program)), "-M", emulator.machine, *emulator.args]
    command += ["-kernel", str(elf), "-display", "none", "-monitor", "none"]
    command += ["-chardev", "stdio,id=uart,signal=off", "-serial", "chardev:uart"]
    if emulator.icount_shift is not None:
        command += ["-icount", f"shift={emulator.icount_shift}"]
    return command


@contextmanager
def _process(command: list[str], *, wire: int, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A child that cannot outlive us: killed at the end of the block, or with its parent."""
    # SIGKILL leaves no time to clean up, so the kernel is asked to; util-linux has the program
    guard = shutil.which("setpriv")
    prefix = [guard, "--pdeathsig", "KILL"] if guard else []
    # a session of its own, so that Ctrl-C reaches only edgekit, which then ends it in order
    process = subprocess.Popen(
        [*prefix, *command], stdin=wire, stdout=wire, stderr=log, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _autopsy(process: subprocess.Popen[bytes], name: str, log: IO[bytes], wait_s: float) -> str:
    """How the process ended, with the last it said; "" while it lives."""
    try:
        status = process.wait(timeout=wait_s) if wait_s else process.poll()
    except subprocess.TimeoutExpired:
        return ""
    if status is None:
        return ""
    log.seek(0)
    said = log.read().decode(errors="replace").splitlines()
    lines = [line.strip() for line in said if line.strip()][-_LAST_LINES:]
    last = " | ".join(lines) or "it said nothing"
    how = (
        f"was killed by {signal.Signals(-status).name}"
        if status < 0
        else f"ended with status {status}"
    )
    return f"{name} {how}: {last}"
