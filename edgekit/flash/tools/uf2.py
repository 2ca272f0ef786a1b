# SPDX-License-Identifier: Apache-2.0
"""UF2: the bootloader shows a disk, and a copied file is the program. Needs no tool at all."""

from __future__ import annotations

from edgekit.flash.entry import enter_bootloader
from edgekit.flash.steps import Job, Step


def steps(job: Job) -> list[Step]:
    """Enter the bootloader, copy, and see the disk vanish, which is its way of saying done."""
    disk = job.flasher.volume
    words = f"copy to the disk {disk}, which vanishes when all is written"
    return [
        *enter_bootloader(job, ""),
        Step("copy", words, source=job.image("uf2"), target=disk),
    ]
