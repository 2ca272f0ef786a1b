# SPDX-License-Identifier: Apache-2.0
"""Carrying a flash plan out: each kind of step has one function."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import DeviceError, DeviceTimeout, EdgekitError
from edgekit.flash.steps import LOADER_PORT, Job, Plan, Step
from edgekit.link.ports import SerialPort, plugged_ports
from edgekit.progress import Progress

if TYPE_CHECKING:
    from edgekit.link.device import Hello

# Erasing and writing: a minute, and forty seconds for each megabyte.
RUN_TIMEOUT_S = 60.0
RUN_TIMEOUT_S_PER_MB = 40.0
HELLO_TIMEOUT_S = 10.0
# How long a port that came back may be refused to us.
RIGHTS_S = 2.0


@dataclass(slots=True)
class _Run:
    """What the steps of one plan hand to each other."""

    job: Job
    expected: dict[str, str]
    progress: Progress
    before: SerialPort
    loader_port: str = ""
    serial_port: str = ""
    hello: Hello | None = field(default=None)


def carry_out(
    plan: Plan, job: Job, expected: dict[str, str], progress: Progress
) -> tuple[Hello | None, str]:
    """Does every step of `plan`: the firmware's hello where the plan asks for it, and the serial
    port as it is called afterwards.

    Raises EdgekitError, with the step that failed in its message.
    """
    here = next((port for port in plugged_ports() if port.device == job.port), None)
    run = _Run(job, expected, progress, before=here or SerialPort(job.port), serial_port=job.port)
    run.loader_port = job.port if job.role == "bootloader" else ""
    for step in plan.steps:
        progress.say(f"{plan.tool}: {step.words}")
        _DO[step.kind](step, run)
    return run.hello, run.serial_port


def _ask(step: Step, run: _Run) -> None:
    """Sends the firmware into its loader; where none answers, a person does it by hand."""
    from edgekit.link.emulator import open_port

    try:
        with open_port(step.target, run.job.board.serial.baud) as device:
            device.bootloader()
    except DeviceError as error:
        reset = run.job.board.reset
        run.progress.say(f"{error}; now by hand: {reset.by_hand if reset else 'reset it'}")


def _by_hand(step: Step, run: _Run) -> None:
    run.progress.say(f"now: {step.words}")


def _touch(step: Step, run: _Run) -> None:
    from edgekit.link.reenumerate import touch

    touch(step.target)


def _wait(step: Step, run: _Run) -> None:
    """The bootloader's port; where none comes, the old one may be it already."""
    from edgekit.link.ports import matches
    from edgekit.link.reenumerate import wait_for_port

    board = run.job.board

    def is_loader(port: SerialPort) -> bool:
        return any(match.role == "bootloader" for match in matches(port, [board]))

    hint = board.reset.by_hand if board.reset else ""
    what = f"port of the bootloader of {board.id}"
    run.loader_port = wait_for_port(is_loader, what, hint=hint).device


def _write(step: Step, run: _Run) -> None:
    Path(step.source).write_text(step.text)


def _run_tool(step: Step, run: _Run) -> None:
    from edgekit.flash.table import TOOLS
    from edgekit.tools import ToolFailed, run_tool

    port = run.loader_port or run.job.port
    name, *args = [part.replace(LOADER_PORT, _bare(part, port)) for part in step.command]
    job = run.job
    size_mb = (job.bin.stat().st_size if job.bin else 0) / 1e6
    tool = TOOLS[job.flasher.tool]
    try:
        run_tool(
            name,
            *args,
            timeout_s=RUN_TIMEOUT_S + RUN_TIMEOUT_S_PER_MB * size_mb,
            install=tool.install,
            cwd=Path(step.cwd) if step.cwd else None,
        )
    except ToolFailed as failed:
        advice = tool.advice(job) if tool.advice else ""
        by_hand = job.board.reset.by_hand if job.board.reset else ""
        raise EdgekitError(
            f"flashing {job.board.id} failed at '{step.words}': {failed}",
            hint="; ".join(filter(None, (failed.hint, advice, by_hand))),
        ) from None


def _bare(part: str, port: str) -> str:
    """bossac takes a port's name without its folder, after --port=; others take the path."""
    return port.removeprefix("/dev/") if part.startswith("--port=") else port


def _copy(step: Step, run: _Run) -> None:
    from edgekit.flash.disks import copy_to_disk

    copy_to_disk(Path(step.source), step.target)


def _return(step: Step, run: _Run) -> None:
    from edgekit.link.reenumerate import wait_for_return

    if run.before.usb_id:
        run.serial_port = wait_for_return(run.before).device


def _boot(step: Step, run: _Run) -> None:
    """An emulated board: booting it is all there is to do, and hello is part of it."""
    from edgekit.link.emulator import open_board

    with open_board(run.job.board, run.job.elf) as device:
        run.hello = device.hello()


def _hello(step: Step, run: _Run) -> None:
    """The firmware that answers has to be the one that was written."""
    from edgekit.verbs.flash import not_this_firmware

    hello = run.hello or _ask_hello(run)
    if (wrong := not_this_firmware(hello, run.expected)) is not None:
        raise wrong
    run.hello = hello


def _ask_hello(run: _Run) -> Hello:
    from edgekit.link.emulator import open_port
    from edgekit.wait import Deadline

    begin = time.monotonic()
    wait = Deadline(HELLO_TIMEOUT_S, f"hello from {run.serial_port} after flashing")
    while True:
        try:
            with open_port(run.serial_port, run.job.board.serial.baud) as device:
                return device.hello()
        except DeviceTimeout:
            wait.left_s()
        except DeviceError:
            # a port that has just come back may not be ours for a moment, while udev works
            if time.monotonic() - begin > RIGHTS_S:
                raise
            time.sleep(RIGHTS_S / 10)


_DO = {
    "ask": _ask,
    "by-hand": _by_hand,
    "touch": _touch,
    "wait": _wait,
    "write": _write,
    "run": _run_tool,
    "copy": _copy,
    "return": _return,
    "boot": _boot,
    "hello": _hello,
}
