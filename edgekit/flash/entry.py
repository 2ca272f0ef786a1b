# SPDX-License-Identifier: Apache-2.0
"""How a board comes into its bootloader, for the flashers that talk to one."""

from __future__ import annotations

from edgekit.flash.steps import Job, Step


def enter_bootloader(job: Job, waits_for: str) -> list[Step]:
    """Steps after which the board's bootloader waits, as `waits_for` says ("port", "disk", "")."""
    steps = []
    by_hand = job.board.reset.by_hand if job.board.reset else ""
    entrance = job.board.reset.enter_bootloader if job.board.reset else "by-hand"
    if job.role == "bootloader":
        pass  # it waits already
    elif entrance == "touch-1200" and job.role == "target":
        steps.append(Step("touch", f"open {job.port} at 1200 baud and close it", target=job.port))
    elif job.port and job.board.serial.pins:
        words = f"ask the firmware at {job.port} for the bootloader"
        steps.append(Step("ask", words, target=job.port))
    elif by_hand:
        steps.append(Step("by-hand", by_hand))
    if waits_for == "port":
        steps.append(Step("wait", f"wait for the bootloader's port ({by_hand or 'reset'})"))
    return steps
