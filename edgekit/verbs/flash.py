# SPDX-License-Identifier: Apache-2.0
"""`edgekit.flash(folder)`: a built project onto its board, and proof that it runs there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.boards import Board, Flasher, load_board
from edgekit.errors import DeviceError, EdgekitError
from edgekit.progress import SILENT, Progress

if TYPE_CHECKING:
    from edgekit.flash.steps import Job, Plan
    from edgekit.link.device import Hello
    from edgekit.link.selectors import Candidate

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class FlashRecord:
    """The plan and how it went. `steps` are `{kind, words, command}`, the command as a person
    would type it, "" where there is none. `hello` is the firmware's own word that it runs, None
    after a dry run or where `unproven` says why nobody was asked. `missing` is why the plan
    cannot be carried out on this computer, "" where it can.
    """

    board: str
    tool: str
    port: str
    dry_run: bool
    steps: tuple[dict[str, str], ...]
    missing: str
    hello: Hello | None
    unproven: str
    tried: str


def flash(
    folder: str | Path,
    *,
    port: str = AUTO,
    tool: str = "",
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> FlashRecord:
    """Write the firmware built in `folder` to its board, reset it, and ask it for its hello.

    `port` is `auto`, `id:<serial number>`, `port:<path>`, a glob or a URL. `tool` is one of the
    board file's flashers; default: the first that is installed. With `dry_run` nothing is done.
    An emulated board is "flashed" by booting it. Raises ToolMissing, DeviceError where the port is
    not the one board or the firmware that answers is another, EdgekitError where a step fails.
    """
    from edgekit.verbs._flashing import carry_out

    folder = Path(folder)
    images = read_images(folder)
    job, missing = _job(images, port, tool, dry_run=dry_run)
    plan, unproven = _plan(job, images)
    hello, at = None, job.port
    if not dry_run:
        hello, at = carry_out(plan, job, images.expected, progress)
    return FlashRecord(
        board=images.board.id,
        tool=plan.tool,
        port=at,
        dry_run=dry_run,
        steps=tuple(
            {"kind": step.kind, "words": step.words, "command": step.shell} for step in plan.steps
        ),
        missing=missing,
        hello=hello,
        unproven=unproven,
        tried="emulated" if images.board.emulator else "the command line only, on no hardware",
    )


@dataclass(frozen=True, slots=True)
class Images:
    """What a build left, and what the firmware should say of itself."""

    folder: Path
    board: Board
    elf: Path
    bin: Path | None
    hex: Path | None
    uf2: Path | None
    bare_metal: bool
    expected: dict[str, str]


def read_images(folder: Path) -> Images:
    """The images in a project folder. Raises EdgekitError where it is not built."""
    from edgekit.artifacts import read_record

    project = read_record(folder / "firmware.json")
    board = load_board(folder / "board.toml")
    by_platform = not project.get("builder", "make")
    built: dict[str, Any] = {}
    if not by_platform:
        if not (folder / "build" / "build.json").is_file():
            raise EdgekitError(f"'{folder}' is not built", hint=f"edgekit build {folder}")
        built = read_record(folder / "build" / "build.json")
    paths = {
        kind: folder / "build" / str(built[kind]) if built.get(kind) else None
        for kind in ("elf", "bin", "hex", "uf2")
    }
    return Images(
        folder=folder,
        board=board,
        elf=paths["elf"] or folder / "build" / "firmware.elf",
        bin=paths["bin"],
        hex=paths["hex"],
        uf2=paths["uf2"],
        bare_metal=not by_platform,
        expected={"board": board.id, "model_sha256": project["model_sha256"]},
    )


def _job(images: Images, port: str, tool: str, *, dry_run: bool) -> tuple[Job, str]:
    """The job of the flasher that will be used, and why it cannot be on this computer."""
    from edgekit.errors import ToolMissing
    from edgekit.flash.steps import Job
    from edgekit.flash.table import choose_flasher

    board = images.board
    base = Job(board, Flasher(""), images.folder, images.elf, images.bin, images.hex, images.uf2)
    if board.emulator is not None:
        return replace(base, flasher=Flasher(board.emulator.program)), ""
    if not board.flash:
        raise EdgekitError(
            f"board '{board.id}' names no flasher", hint="add a [[flash]] table to its file"
        )
    base = _at_port(base, _port(port, board, dry_run=dry_run))
    try:
        return replace(base, flasher=choose_flasher(board, tool)), ""
    except ToolMissing as error:
        if not dry_run:
            raise
        preferred = next(each for each in board.flash if tool in ("", each.tool))
        return replace(base, flasher=preferred), str(error)


def _at_port(base: Job, found: Candidate | None) -> Job:
    if found is None:
        return base
    roles = [match.role for match in found.boards if match.board == base.board.id]
    return replace(
        base,
        port=found.port.device,
        role=roles[0] if roles else "cable",
        serial_number=found.port.serial_number,
    )


def _port(selector: str, board: Board, *, dry_run: bool) -> Candidate | None:
    """The board's port. None where nothing is plugged in and none was named: a debug probe
    without a serial line, or a loader that needs no port, can do without."""
    from edgekit.link.ports import plugged_ports
    from edgekit.link.selectors import choose, find_candidates
    from edgekit.verbs.ports import choose_port

    listed = plugged_ports()
    if selector == AUTO and not find_candidates(AUTO, listed, [board]):
        return None
    return choose(selector, listed, [board]) if dry_run else choose_port(selector, [board])


def _plan(job: Job, images: Images) -> tuple[Plan, str]:
    """The flasher's steps and what proves them, with why nothing may be proven."""
    from edgekit.flash.steps import Plan, Step
    from edgekit.flash.table import make_plan

    board = job.board
    if board.emulator is not None:
        boot = Step("boot", f"boot it in {board.emulator.program}", _boot_command(job))
        hello = Step("hello", "ask the firmware who it is")
        return Plan(board.id, board.emulator.program, (boot, hello)), ""
    plan = make_plan(job)
    own_usb = job.role in ("target", "bootloader")
    if not job.port:
        return plan, "no serial port was found to ask at: bench --port PORT does"
    if own_usb and images.bare_metal and board.serial.pins:
        return plan, f"this firmware speaks on {board.serial.pins}, not over the USB socket"
    back = [Step("return", "wait for the port to come back")] if own_usb else []
    hello = Step("hello", "ask the firmware who it is", target=job.port)
    return replace(plan, steps=(*plan.steps, *back, hello)), ""


def _boot_command(job: Job) -> tuple[str, ...]:
    emulator = job.board.emulator
    assert emulator is not None
    if emulator.program == "native":
        return (str(job.elf),)
    icount = () if emulator.icount_shift is None else ("-icount", f"shift={emulator.icount_shift}")
    base = (emulator.program, "-M", emulator.machine, *emulator.args, *icount)
    return (
        *base,
        "-display",
        "none",
        "-monitor",
        "none",
        "-serial",
        "pty",
        "-kernel",
        str(job.elf),
    )


def not_this_firmware(hello: Hello, expected: dict[str, str]) -> DeviceError | None:
    """The error for a firmware that is not the one that was written."""
    if hello.board != expected["board"]:
        return DeviceError(
            f"the firmware that answers is of board '{hello.board}', not '{expected['board']}'",
            hint="is this the port of the board that was flashed? edgekit ports --ask",
        )
    if hello.model_sha256.lower() != expected["model_sha256"].lower():
        return DeviceError(
            f"the board still runs another model: '{hello.model_name}'",
            hint="reset it by hand, then: edgekit bench",
        )
    return None
