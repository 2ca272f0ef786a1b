# SPDX-License-Identifier: Apache-2.0
"""teensy_loader_cli: PJRC's HalfKay loader. Its README: -w waits for the board, -s asks a running
program to reboot, -v talks."""

from __future__ import annotations

from edgekit.flash.steps import Job, Step


def steps(job: Job) -> list[Step]:
    """Ask the program to reboot, write, start."""
    command = ("teensy_loader_cli", f"--mcu={job.flasher.mcu}", "-w", "-s", "-v")
    return [Step("run", "reboot, write, start", (*command, job.image("hex")))]
