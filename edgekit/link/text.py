# SPDX-License-Identifier: Apache-2.0
"""MLPerf Tiny's text protocol, from the host's side (mlcommons/tiny, benchmark/api).

A command ends with '%', its answer with a line "m-ready"; a line that begins with "e-" refuses.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.boards import Board
from edgekit.errors import DeviceError, DeviceTimeout, EdgekitError
from edgekit.link.emulator import native_command, open_wire, qemu_command
from edgekit.link.transport import Autopsy, Line, SerialLike, open_serial
from edgekit.wait import Deadline

TIMEOUT_S = 5.0  # what the official runner waits for a line
NAME_TIMEOUT_S = 2.0
NAME_TRIES = 3
# Of an input in one `db` command, as the official runner does it: a command has 80 characters.
BYTES_AT_ONCE = 31
READY = "m-ready"
_NAME = "m-name-dut-"
_LAP = re.compile(r"m-lap-us-(\d+)")
_ANY_BAUD = 115200  # a pty takes any


@dataclass(frozen=True, slots=True)
class Inference:
    """One `infer` command: `elapsed_us` by the device's clock, `host_s` by this computer's, which
    sees the window through a serial line. `results` have three decimals."""

    iterations: int
    warmup: int
    elapsed_us: int
    host_s: float
    results: tuple[float, ...]


class TextDevice:
    """A device that speaks the protocol on `port`. Methods raise DeviceError, with its own words
    where it refused, and DeviceTimeout where it is silent.
    """

    def __init__(self, port: SerialLike, *, autopsy: Autopsy | None = None) -> None:
        self._line = Line(port, autopsy)
        self._received = b""

    def command(self, command: str, *, timeout_s: float = TIMEOUT_S) -> list[str]:
        """The lines of the answer without the last, "m-ready"; all may take `timeout_s`."""
        return [line for line, _ in self._timed(command, timeout_s)]

    def _timed(self, command: str, timeout_s: float) -> list[tuple[str, float]]:
        """The lines of the answer, each with the time at which it came."""
        wait = Deadline(timeout_s, f"answer to '{command[:40]}%' from {self._line.name}")
        self._line.send(f"{command}%".encode())
        lines: list[tuple[str, float]] = []
        while (line := self._read_line(wait)) != READY:
            lines.append((line, time.monotonic()))
        if refused := [line for line, _ in lines if line.startswith("e-")]:
            raise DeviceError(
                f"the device refused '{command[:40]}': {refused[0][2:].strip('[]')}",
                hint="its answer to 'help%' lists what it knows",
            )
        return lines

    def name(self) -> str:
        """Who answers; asked several times: after a start the first answers may be late, and the
        first bytes lost where they come before the device's UART is set up."""
        refused: DeviceError | None = None
        for attempt in range(NAME_TRIES):
            try:
                lines = self.command("name", timeout_s=NAME_TIMEOUT_S)
            except DeviceTimeout:
                continue
            except DeviceError as error:
                refused = error
                continue
            if attempt or not any(line.startswith(_NAME) for line in lines):
                self._catch_up()
                lines = self.command("name")
            return _between(lines, _NAME)
        raise refused or DeviceTimeout(
            f"nothing on {self._line.name} answers MLPerf Tiny's 'name%'",
            hint="was the firmware made with --mlperf, and flashed?",
        )

    def _catch_up(self) -> None:
        """Reads up to the answer to a command that nobody has: a late answer, or a banner, would
        be taken for that of the command after it, and so on for all that follow."""
        mark = f"mark-{random.randrange(1 << 30)}"
        wait = Deadline(TIMEOUT_S * NAME_TRIES, f"answer to '{mark}%' from {self._line.name}")
        self._line.send(f"{mark}%".encode())
        while mark not in self._read_line(wait):
            pass
        while self._read_line(wait) != READY:
            pass

    def task(self) -> str:
        """Id of the task that the device is built for: "ic01" and the like."""
        return _between(self.command("profile"), "m-model-")

    def timestamp_us(self) -> int:
        """The device's clock."""
        return _laps(self.command("timestamp"))[0]

    def load(self, data: bytes) -> None:
        """Sends `data` as the next input."""
        lines = self.command(f"db load {len(data)}")
        for start in range(0, len(data), BYTES_AT_ONCE):
            lines = self.command(f"db {data[start : start + BYTES_AT_ONCE].hex()}")
        if "m-load-done" not in lines:
            raise DeviceError(
                f"the device does not say that {len(data)} bytes are loaded",
                hint="bytes were lost on the way: use a shorter cable or a lower baud rate",
            )

    def infer(self, iterations: int, warmup: int, *, timeout_s: float) -> Inference:
        """Runs the loaded input `warmup` times untimed, then `iterations` times."""
        timed = self._timed(f"infer {iterations} {warmup}", timeout_s)
        lines, seen = [line for line, _ in timed], dict(timed)
        laps = _laps(lines)
        if len(laps) != 2 or "m-infer-done" not in lines:
            raise DeviceError(
                f"the device does not tell the time of {iterations} inferences",
                hint="bytes were lost on the way: repeat it",
            )
        host_s = seen["m-infer-done"] - seen.get(f"m-infer-start-{iterations}", 0.0)
        return Inference(iterations, warmup, laps[1] - laps[0], host_s, _results(lines))

    def results(self) -> tuple[float, ...]:
        """Those of the last inference."""
        return _results(self.command("results"))

    def _read_line(self, wait: Deadline) -> str:
        while b"\n" not in self._received:
            wait.left_s()
            self._received += self._line.receive()
        line, _, self._received = self._received.partition(b"\n")
        return line.decode(errors="replace").strip("\r\0")


@contextmanager
def open_text(board: Board, elf: Path, *, port: str = "") -> Iterator[TextDevice]:
    """The device that runs `elf`, or is plugged in at `port`. QEMU runs without `-icount`, so that
    its clock is this computer's. Raises DeviceError, ToolMissing.
    """
    if port:
        with open_serial(port, board.serial.baud) as opened:
            yield TextDevice(opened)
        return
    command, name = real_time_command(board, elf)
    with open_wire(command, name, lambda path: open_serial(path, _ANY_BAUD)) as (wire, autopsy):
        yield TextDevice(wire, autopsy=autopsy)


def real_time_command(board: Board, elf: Path) -> tuple[list[str], str]:
    """The program that emulates `board` by this computer's clock, and its name.

    Raises EdgekitError for a board that is not emulated.
    """
    if board.emulator is None:
        raise EdgekitError(
            f"board '{board.id}' is hardware: it needs a serial port",
            hint="say which: --port /dev/ttyACM0",
        )
    if board.emulator.program == "native":
        return native_command(elf), elf.name
    emulator = replace(board.emulator, icount_shift=None)
    return qemu_command(emulator, elf), f"{emulator.program} ({emulator.machine})"


def _between(lines: list[str], start: str) -> str:
    """What stands in brackets after `start`."""
    for line in lines:
        if line.startswith(f"{start}[") and line.endswith("]"):
            return line[len(start) + 1 : -1]
    raise DeviceError(
        f"the device answers, but not with '{start}[...]'",
        hint="is this firmware of MLPerf Tiny, and the baud rate the firmware's?",
    )


def _laps(lines: list[str]) -> list[int]:
    return [int(match[1]) for line in lines if (match := _LAP.fullmatch(line))]


def _results(lines: list[str]) -> tuple[float, ...]:
    """The last results among `lines`; float() reads "nan" and "inf" as well."""
    texts = [line for line in lines if line.startswith("m-results-[")]
    try:
        values = tuple(float(each) for each in _between(texts[-1:], "m-results-").split(","))
    except ValueError:
        raise DeviceError(
            f"the device's results are not numbers: {texts[-1]}",
            hint="bytes were lost on the way: repeat it",
        ) from None
    return values
