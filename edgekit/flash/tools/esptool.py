# SPDX-License-Identifier: Apache-2.0
"""esptool 5: every chip of Espressif's, by the serial port. Docs: "write-flash".

ESP-IDF's build lists what goes where in `flash_args`; a single image goes to `address`.
"""

from __future__ import annotations

from edgekit.flash.steps import Job, Step

_FAST_BAUD = 460_800


def steps(job: Job) -> list[Step]:
    """Reset into the ROM, write, verify by hash, reset: all of it esptool's own doing."""
    port = ["--port", job.port] if job.port else []
    baud = min(_FAST_BAUD, job.board.serial.max_baud or job.board.serial.baud)
    base = ["esptool", "--chip", job.flasher.chip, *port, "--baud", str(baud)]
    base += ["--before", "default-reset", "--after", "hard-reset", "write-flash"]
    if job.flasher.address:
        command = [*base, f"0x{job.flasher.address:x}", job.image("bin")]
        return [Step("run", "write, verify, reset", tuple(command))]
    return [
        Step("run", "write, verify, reset", (*base, "@flash_args"), cwd=str(job.folder / "build"))
    ]
