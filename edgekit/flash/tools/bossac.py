# SPDX-License-Identifier: Apache-2.0
"""bossac: SAM-BA loaders. Nordic's chips are only known to Arduino's variant (1.9.1-arduino2)."""

from __future__ import annotations

from pathlib import Path

from edgekit.errors import ToolMissing
from edgekit.flash.entry import enter_bootloader
from edgekit.flash.steps import LOADER_PORT, Job, Step
from edgekit.tools import ToolFailed, find_tool, run_tool

ARDUINO_TOOLS = Path(".arduino15/packages/arduino/tools/bossac")
ARDUINO_MARK = "arduino"
_INSTALL = "arduino-cli core install arduino:mbed_nano brings Arduino's bossac"


def steps(job: Job) -> list[Step]:
    """Erase, write, reset, at the port that the bootloader opens, as Arduino's recipe has it."""
    program = _program(job.flasher.variant)
    command = (program, f"--port={LOADER_PORT}", "-U", "-i", "-e", "-w", job.image("bin"))
    return [
        *enter_bootloader(job, "port"),
        Step("run", "erase, write, reset", (*command, "-R")),
    ]


def _program(variant: str) -> str:
    if variant != ARDUINO_MARK:
        return "bossac"
    try:
        return str(arduino_bossac())
    except ToolMissing:  # a plan is shown all the same
        return "bossac"


def arduino_bossac() -> Path:
    """Arduino's bossac: on PATH, or where Arduino's tools put it. Raises ToolMissing."""
    folders = sorted((Path.home() / ARDUINO_TOOLS).glob(f"*{ARDUINO_MARK}*/bossac"))
    if folders:
        return folders[-1]
    found = find_tool("bossac", _INSTALL)
    if ARDUINO_MARK in _version(found):
        return found
    raise ToolMissing(
        f"'{found}' is the mainline bossac, which cannot program this chip", hint=_INSTALL
    )


def _version(program: Path) -> str:
    try:
        return run_tool(str(program), "--help", timeout_s=20.0).lower()
    except ToolFailed as failed:  # its help ends with status 1
        return failed.output.lower()
