# SPDX-License-Identifier: Apache-2.0
"""SEGGER's J-Link Commander. J-Link manual (UM08001), "J-Link Commander": it obeys a file."""

from __future__ import annotations

from edgekit.flash.steps import Job, Step

PROGRAM = "JLinkExe"
_SPEED_KHZ = 4000


def steps(job: Job) -> list[Step]:
    """Write the command file, then let it halt, write (which verifies), reset and go."""
    script = str(job.elf.with_name("flash.jlink"))
    text = f"r\nh\nloadfile {job.image('hex')}\nr\ng\nexit\n"
    select = ["-USB", job.probe_serial] if job.probe_serial else []
    command = [PROGRAM, *select, "-device", job.flasher.device, "-if", "SWD"]
    command += ["-speed", str(_SPEED_KHZ), "-autoconnect", "1", "-ExitOnError", "1", "-NoGui", "1"]
    return [
        Step("write", "the commander's file", source=script, text=text),
        Step("run", "write, verify, reset", (*command, "-CommandFile", script)),
    ]
