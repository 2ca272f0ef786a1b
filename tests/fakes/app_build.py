# SPDX-License-Identifier: Apache-2.0
"""The app with a model written by hand, built for a board without the project emitter."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from edgekit.boards import Board
from edgekit.resources import resource_dir

TINY_MODEL = Path(__file__).parent / "tiny_model.c"
TINY_SHA256 = "0123456789abcdef" * 4
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")


def build_app(
    board: Board,
    folder: Path,
    model: Path | None = None,
    *,
    sanitize: bool = False,
    defines: Sequence[str] = (),
) -> Path:
    """The ELF of app + port + `model` (default: the empty one), in `folder`."""
    root = resource_dir("firmware")
    write_headers(board, folder)
    model = model or root / "app" / "ek_model_empty.c"
    sources = [p for p in sorted((root / "app").glob("*.c")) if p.name != "ek_model_empty.c"]
    ports = [board.build.port, *board.build.drivers]
    command = ["gcc", *WARNINGS]
    link = ["-lm"]
    if board.build.toolchain != "host":
        arm = board.build.toolchain == "arm-none-eabi"
        ports += ["cortex_m"] if arm else []
        command = [f"{board.build.toolchain}-gcc", *board.build.cpu_flags, *WARNINGS]
        link += ["-nostartfiles", *(["--specs=nano.specs"] if arm else [])]
        link += ["-Wl,--gc-sections", f"-L{folder}", f"-L{root}"]
        link += [f"-T{root / 'port' / board.build.port / 'sections.ld'}"]
    sources += [path for port in ports for path in sorted((root / "port" / port).glob("*.c"))]
    sources += [model]
    command += [*SANITIZERS] if sanitize else []
    command += [f"-D{each}" for each in defines]
    command += ["-ffunction-sections", "-fdata-sections", f"-I{folder}"]
    command += [f"-I{root / part}" for part in ("app", "port", *(f"port/{p}" for p in ports))]
    elf = folder / f"{board.id}-{model.stem}.elf"
    done = subprocess.run(
        [*command, *map(str, sources), *link, "-o", str(elf)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return elf


def write_headers(board: Board, folder: Path) -> None:
    lines = [f'#define EK_BOARD_ID "{board.id}"', '#define EK_BUILD_ID "test"']
    lines += [f"#define EK_CLOCK_HZ {board.clock_hz}u", f"#define EK_BAUD {board.serial.baud}u"]
    lines += [f"#define EK_MAX_BAUD {board.serial.max_baud or board.serial.baud}u"]
    for name, value in board.build.defines.items():
        lines.append(f"#define {name} {hex(value) + 'u' if isinstance(value, int) else value}")
    (folder / "ek_board.h").write_text("\n".join(lines) + "\n")
    regions = [
        f"  {r.name} : ORIGIN = {r.origin:#x}, LENGTH = {r.length_bytes:#x}"
        for r in board.memory.regions
    ]
    (folder / "memory.ld").write_text("\n".join(["MEMORY", "{", *regions, "}"]) + "\n")
