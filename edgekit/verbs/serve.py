# SPDX-License-Identifier: Apache-2.0
"""`edgekit.serve(folder)`: an emulated board as a serial port for any program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgekit.boards import Board
from edgekit.errors import EdgekitError

_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class ServeRecord:
    """`port` is the path to open; `real_time` whether the board's clock is this computer's."""

    board: str
    name: str
    port: str
    link: str
    real_time: bool


def serve(
    folder: str | Path,
    *,
    link: str | Path = "",
    icount: bool = False,
    seconds: float | None = None,
    ready: Callable[[ServeRecord], None] | None = None,
) -> ServeRecord:
    """Run the firmware of a built folder on its emulated board, its serial line on a pty.

    Any program may open that port, close it and open it again, one at a time. `link` is a name for
    it. The board's clock is this computer's; with `icount` it counts instructions, as for
    `edgekit.bench`. `ready` is told the port; then it runs for `seconds` (None: until Ctrl-C).
    Raises DeviceError where the emulator ends, EdgekitError for a board that is not emulated.
    """
    from edgekit.link.served import serve_command
    from edgekit.verbs.bench import check_port, read_bundle

    bundle = read_bundle(Path(folder))
    if bundle.board.emulator is None:
        raise EdgekitError(
            f"board '{bundle.board.id}' is hardware: it has a serial port of its own",
            hint="edgekit ports shows what is plugged in",
        )
    check_port(bundle, "")
    command, name = _command(bundle.board, bundle.elf, icount)
    with serve_command(command, name, Path(link) if link else None) as served:
        record = ServeRecord(bundle.board.id, name, served.path, str(link), not icount)
        if ready is not None:
            ready(record)
        try:
            left_s = seconds
            while left_s is None or left_s > 0:
                served.wait(_LOOK_S if left_s is None else min(left_s, _LOOK_S))
                left_s = None if left_s is None else left_s - _LOOK_S
        except KeyboardInterrupt:
            pass  # the way to end it
    return record


def _command(board: Board, elf: Path, icount: bool) -> tuple[list[str], str]:
    from edgekit.link.emulator import qemu_command
    from edgekit.link.text import real_time_command

    command, name = real_time_command(board, elf)
    if icount and board.emulator is not None and board.emulator.program != "native":
        command = qemu_command(board.emulator, elf)
    return command, name
