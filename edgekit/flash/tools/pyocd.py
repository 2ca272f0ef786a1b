# SPDX-License-Identifier: Apache-2.0
"""pyOCD: Cortex-M through CMSIS-DAP, ST-LINK and J-Link. Docs: "load", "reset", target support."""

from __future__ import annotations

from edgekit.flash.steps import Job, Step


def steps(job: Job) -> list[Step]:
    """Load the hex file, which pyOCD reads back page by page, and reset."""
    select = ["--uid", job.probe_serial] if job.probe_serial else []
    common = ["--no-wait", "--target", job.flasher.target, *select]  # it would wait for ever
    write = ("pyocd", "load", *common, "--format", "hex", job.image("hex"))
    return [
        Step("run", "write", write),
        Step("run", "reset", ("pyocd", "reset", *common)),
    ]


def advice(job: Job) -> str:
    """What a missing target needs."""
    return f"pyocd pack install {job.flasher.pack}" if job.flasher.pack else ""
