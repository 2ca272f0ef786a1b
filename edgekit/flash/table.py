# SPDX-License-Identifier: Apache-2.0
"""The flashers: what program each needs, how it is installed, and what makes its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgekit.boards import Board, Flasher
from edgekit.errors import EdgekitError, ToolMissing
from edgekit.flash.steps import Job, Plan, Step
from edgekit.flash.tools import (
    bossac,
    dfu_util,
    esptool,
    jlink,
    nrfutil,
    openocd,
    pyocd,
    st_flash,
    teensy,
    uf2,
)
from edgekit.tools import find_tool

_APT = "sudo apt-get install --no-install-recommends"


@dataclass(frozen=True, slots=True)
class Tool:
    """One flasher. `program` is "" where none is needed; `find` looks where PATH does not lead."""

    steps: Callable[[Job], list[Step]]
    program: str = ""
    install: str = ""
    find: Callable[[], object] | None = None
    advice: Callable[[Job], str] | None = None


TOOLS = {
    "esptool": Tool(esptool.steps, "esptool", "pip install esptool"),
    "pyocd": Tool(pyocd.steps, "pyocd", "pip install pyocd", advice=pyocd.advice),
    "openocd": Tool(openocd.steps, "openocd", f"{_APT} openocd"),
    "dfu-util": Tool(dfu_util.steps, "dfu-util", f"{_APT} dfu-util"),
    "bossac": Tool(
        bossac.steps,
        "bossac",
        "arduino-cli core install arduino:mbed_nano (Arduino's variant)",
        find=bossac.arduino_bossac,
    ),
    "uf2": Tool(uf2.steps),
    "teensy-loader-cli": Tool(teensy.steps, "teensy_loader_cli", f"{_APT} teensy-loader-cli"),
    "jlink": Tool(jlink.steps, jlink.PROGRAM, "J-Link software of segger.com/downloads/jlink"),
    "st-flash": Tool(st_flash.steps, "st-flash", f"{_APT} stlink-tools"),
    "adafruit-nrfutil": Tool(nrfutil.steps, nrfutil.PROGRAM, "pip install adafruit-nrfutil"),
}


def missing(name: str, variant: str = "") -> str:
    """Why flasher `name` cannot be used on this computer; "" where it can."""
    tool = TOOLS[name]
    try:
        if tool.find is not None and variant:
            tool.find()
        elif tool.program:
            find_tool(tool.program, tool.install)
    except ToolMissing as error:
        return str(error)
    return ""


def choose_flasher(board: Board, tool: str = "") -> Flasher:
    """The first of the board's flashers that is installed, or `tool`.

    Raises EdgekitError where the board's file does not name `tool`, ToolMissing with what would
    install the preferred one where none is there.
    """
    names = [flasher.tool for flasher in board.flash]
    if tool and tool not in names:
        raise EdgekitError(
            f"the board file names no flasher '{tool}'", hint=f"it names: {', '.join(names)}"
        )
    asked = [flasher for flasher in board.flash if tool in ("", flasher.tool)]
    reasons = [missing(flasher.tool, flasher.variant) for flasher in asked]
    if "" in reasons:
        return asked[reasons.index("")]
    raise ToolMissing(
        reasons[0]
        if len(asked) == 1
        else f"none of the board's flashers is installed: {', '.join(f.tool for f in asked)}",
        hint=TOOLS[asked[0].tool].install,
    )


def make_plan(job: Job) -> Plan:
    """The steps of the job's flasher. Raises EdgekitError where an image that it takes is not
    there, and for one that its program cannot be told."""
    return Plan(job.board.id, job.flasher.tool, tuple(TOOLS[job.flasher.tool].steps(job)))
