# SPDX-License-Identifier: Apache-2.0
"""A board's device, opened: an emulated one is started first and ended whatever happens.

The port is open before the first instruction runs, so nothing the firmware says is lost. No
folder, file name or process outlives the `with` block, also after Ctrl-C or a kill of edgekit.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from edgekit.boards import Board, Emulator
from edgekit.errors import DeviceError, EdgekitError
from edgekit.link.device import RUN_TIMEOUT_S, TIMEOUT_S, Device
from edgekit.link.transport import open_serial
from edgekit.tools import find_tool

# An emulator shares the computer with others: its silence means less than a board's.
EMULATOR_TIMEOUT_S = 5.0
_CONTROL_TIMEOUT_S = 20.0
_LAST_LINES = 3


@contextmanager
def open_board(
    board: Board, elf: Path, *, port: str = "", run_timeout_s: float = RUN_TIMEOUT_S
) -> Iterator[Device]:
    """The device that runs `elf`: native process, QEMU, or what is plugged in at `port` (any
    pySerial URL; `elf` is then taken to be on it already). Raises DeviceError, ToolMissing.
    """
    if port:
        opened = open_port(port, board.serial.baud, run_timeout_s=run_timeout_s)
    elif board.emulator is None:
        raise EdgekitError(
            f"board '{board.id}' is hardware: it needs a serial port",
            hint="say which: --port /dev/ttyACM0",
        )
    elif board.emulator.program == "native":
        opened = open_native(elf, run_timeout_s=run_timeout_s)
    else:
        opened = open_qemu(board.emulator, elf, run_timeout_s=run_timeout_s)
    with opened as device:
        yield device


@contextmanager
def open_port(
    url: str, baud: int, *, timeout_s: float = TIMEOUT_S, run_timeout_s: float = RUN_TIMEOUT_S
) -> Iterator[Device]:
    """A device that is there already."""
    with open_serial(url, baud) as port:
        yield Device(port, timeout_s=timeout_s, run_timeout_s=run_timeout_s, baud=baud)


@contextmanager
def open_native(elf: Path, *, run_timeout_s: float = RUN_TIMEOUT_S) -> Iterator[Device]:
    """The app as a process of this computer, its fd 0 and 1 being the other end of a pty."""
    with ExitStack() as stack:
        master, slave = os.openpty()
        try:
            port = stack.enter_context(open_serial(os.ttyname(slave), 115200))
            log = stack.enter_context(tempfile.TemporaryFile())
            command = [str(elf.resolve())]
            process = stack.enter_context(
                _process(command, log, stdin=master, stdout=master, stderr=log)
            )
        finally:
            # the process alone holds the master now: its death is seen on the port at once
            os.close(master)
            os.close(slave)
        yield Device(
            port,
            timeout_s=EMULATOR_TIMEOUT_S,
            run_timeout_s=run_timeout_s,
            autopsy=lambda wait_s: _autopsy(process, elf.name, log, wait_s),
        )


@contextmanager
def open_qemu(
    emulator: Emulator, elf: Path, *, run_timeout_s: float = RUN_TIMEOUT_S
) -> Iterator[Device]:
    """`elf` in QEMU, its first UART on a pty; it runs from when the pty is open."""
    program = find_tool(emulator.program)
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
        ours.settimeout(_CONTROL_TIMEOUT_S)
        log = stack.enter_context(tempfile.TemporaryFile())
        command = [str(program), *_qemu_arguments(emulator, elf, theirs.fileno())]
        process = stack.enter_context(
            _process(
                command,
                log,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
            )
        )
        theirs.close()
        name = f"{emulator.program} ({emulator.machine})"

        def autopsy(wait_s: float) -> str:
            return _autopsy(process, name, log, wait_s)

        control = _Control(ours, autopsy)
        path = control.serial_path()
        port = stack.enter_context(open_serial(path, 115200))
        control.ask("cont")
        yield Device(
            port, timeout_s=EMULATOR_TIMEOUT_S, run_timeout_s=run_timeout_s, autopsy=autopsy
        )


def _qemu_arguments(emulator: Emulator, elf: Path, control_fd: int) -> list[str]:
    arguments = ["-M", emulator.machine, *emulator.args, "-kernel", str(elf)]
    arguments += ["-display", "none", "-monitor", "none", "-serial", "pty", "-S"]
    arguments += ["-chardev", f"socket,id=control,fd={control_fd}"]
    arguments += ["-mon", "chardev=control,mode=control"]
    if emulator.icount_shift is not None:
        arguments += ["-icount", f"shift={emulator.icount_shift}"]
    return arguments


class _Control:
    """QEMU's machine protocol (QMP), as far as starting needs it."""

    def __init__(self, link: socket.socket, autopsy: Any) -> None:
        self._link = link
        self._lines = link.makefile("r")
        self._autopsy = autopsy
        self._answer()  # the greeting
        self.ask("qmp_capabilities")

    def ask(self, command: str) -> Any:
        """Runs `command` and gives what it returns."""
        try:
            self._link.sendall(json.dumps({"execute": command}).encode() + b"\n")
        except OSError:
            raise self._failed() from None
        answer = self._answer()
        while "return" not in answer:  # events come in between
            answer = self._answer()
        return answer["return"]

    def serial_path(self) -> str:
        """The pty of the first UART."""
        for device in self.ask("query-chardev"):
            kind, _, path = device["filename"].partition(":")
            if kind == "pty":
                return str(path)
        raise self._failed()

    def _answer(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except OSError:
            line = ""
        if not line:
            raise self._failed()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise self._failed(answer["error"].get("desc", ""))
        return answer

    def _failed(self, words: str = "") -> DeviceError:
        return DeviceError(
            words or self._autopsy(1.0) or "QEMU does not answer on its control socket",
            hint="see what `edgekit doctor` says about QEMU; version 7.2 is what was tried",
        )


@contextmanager
def _process(
    command: list[str], log: IO[bytes], **streams: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A child that cannot outlive us: killed at the end of the block, or with its parent."""
    # SIGKILL leaves no time to clean up, so the kernel is asked to; util-linux has the program
    guard = shutil.which("setpriv")
    prefix = [guard, "--pdeathsig", "KILL"] if guard else []
    # a session of its own, so that Ctrl-C reaches only edgekit, which then ends it in order
    process = subprocess.Popen([*prefix, *command], start_new_session=True, **streams)
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
