# SPDX-License-Identifier: Apache-2.0
"""adafruit-nrfutil: serial DFU of Adafruit's bootloader. Its README: genpkg, dfu serial."""

from __future__ import annotations

from edgekit.flash.entry import enter_bootloader
from edgekit.flash.steps import LOADER_PORT, Job, Step

PROGRAM = "adafruit-nrfutil"
_NRF52840 = "0x0052"


def steps(job: Job) -> list[Step]:
    """Pack the hex file, enter the bootloader, send the pack."""
    pack = str(job.elf.with_name("firmware.zip"))
    about = ("--dev-type", _NRF52840, "--sd-req", job.flasher.sd_req)
    make = (PROGRAM, "dfu", "genpkg", *about, "--application", job.image("hex"), pack)
    send = (PROGRAM, "dfu", "serial", "--package", pack, "-p", LOADER_PORT, "-b", "115200")
    return [
        Step("run", "pack", make),
        *enter_bootloader(job, "port"),
        Step("run", "send, verify, start", (*send, "--singlebank")),
    ]
