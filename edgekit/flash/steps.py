# SPDX-License-Identifier: Apache-2.0
"""A plan as data: what is done in order, and the commands that a person could paste."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from edgekit.boards import Board, Flasher

# What a step does; edgekit.verbs._flashing carries it out.
KINDS = ("ask", "by-hand", "touch", "wait", "write", "run", "copy", "boot", "return", "hello")
# Stands in a command for the port that only exists once the bootloader runs.
LOADER_PORT = "{port}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `command` is for `run` and `boot`; `source` and `target` are what `copy` takes and
    the name of the disk it goes to; `touch`, `ask` and `hello` have a port as `target`; `write`
    makes the file `source` with `text`.
    """

    kind: str
    words: str
    command: tuple[str, ...] = ()
    source: str = ""
    target: str = ""
    text: str = ""
    cwd: str = ""

    @property
    def shell(self) -> str:
        """What a person would type to do the same; "" for what no command does."""
        if self.command:
            line = shlex.join(part.replace(LOADER_PORT, "PORT") for part in self.command)
            return f"cd {shlex.quote(self.cwd)} && {line}" if self.cwd else line
        if self.kind == "copy":
            return f"cp {shlex.quote(self.source)} /media/$USER/{self.target}*/"
        if self.kind == "write":
            return f"printf '%s' {shlex.quote(self.text)} > {shlex.quote(self.source)}"
        if self.kind == "touch":
            return f"stty -F {shlex.quote(self.target)} 1200"
        return ""


@dataclass(frozen=True, slots=True)
class Job:
    """What a flasher is asked to do: images of one build, and how the board is plugged in.

    `port` is the device of the firmware's serial line, "" where none is known. `role` says whose
    the port is (edgekit.link.ports.Match), `serial_number` is of its USB device.
    """

    board: Board
    flasher: Flasher
    folder: Path
    elf: Path
    bin: Path | None = None
    hex: Path | None = None
    uf2: Path | None = None
    port: str = ""
    role: str = ""
    serial_number: str = ""

    @property
    def probe_serial(self) -> str:
        """The debug probe's serial number, where the port is the probe's."""
        return self.serial_number if self.role == "probe" else ""

    def image(self, kind: str) -> str:
        """Path of the image "bin", "hex", "uf2" or "elf"; EdgekitError where there is none."""
        from edgekit.errors import EdgekitError

        path: Path | None = getattr(self, kind)
        if path is None:
            raise EdgekitError(
                f"the build in '{self.folder}' has no .{kind} file for {self.flasher.tool}",
                hint=f"edgekit build {self.folder}",
            )
        return str(path)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of one flasher on one board."""

    board: str
    tool: str
    steps: tuple[Step, ...]
