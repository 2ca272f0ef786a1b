# SPDX-License-Identifier: Apache-2.0
"""OpenOCD: nearly every Arm chip through any debug probe. Manual: "Flash programming" (program)."""

from __future__ import annotations

from edgekit.flash.steps import Job, Step


def steps(job: Job) -> list[Step]:
    """One command: write, verify, reset."""
    config = [part for name in job.flasher.config for part in ("-f", name)]
    select = ["-c", f"adapter serial {job.probe_serial}"] if job.probe_serial else []
    write = f"program {{{job.image('elf')}}} verify reset exit"
    return [
        Step("run", "write, verify, reset", ("openocd", *config, *select, "-c", write)),
    ]
