# SPDX-License-Identifier: Apache-2.0
"""dfu-util: the USB loaders of STM32 ROMs and of Arduino's Portenta. Manual: --dfuse-address."""

from __future__ import annotations

from edgekit.flash.entry import enter_bootloader
from edgekit.flash.steps import Job, Step


def steps(job: Job) -> list[Step]:
    """Enter the loader, write, and leave it for the program."""
    flasher = job.flasher
    where = f"0x{flasher.address:08x}:leave"
    select = ["-S", job.serial_number] if job.role == "bootloader" and job.serial_number else []
    command = ("dfu-util", "-w", "-d", flasher.usb, *select, "-a", str(flasher.alt))
    return [
        *enter_bootloader(job, ""),
        Step("run", "write, leave the loader", (*command, "-s", where, "-D", job.image("bin"))),
    ]
