# SPDX-License-Identifier: Apache-2.0
"""st-flash of stlink-tools. Its manual page: --reset, --serial, write, which verifies."""

from __future__ import annotations

from edgekit.flash.steps import Job, Step


def steps(job: Job) -> list[Step]:
    """Write, verify, reset."""
    select = ["--serial", job.probe_serial] if job.probe_serial else []
    command = ("st-flash", *select, "--reset", "write", job.image("bin"))
    return [Step("run", "write, verify, reset", (*command, f"0x{job.flasher.address:08x}"))]
