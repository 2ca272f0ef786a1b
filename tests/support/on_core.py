# SPDX-License-Identifier: Apache-2.0
"""A small C program on an emulated core: built, run in QEMU, its text returned."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgekit.boards import Board, load_board
from edgekit.resources import resource_dir

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 300.0
_START = {"arm-none-eabi": "core_start.c", "riscv64-unknown-elf": "core_start_rv32.c"}
_OUTPUT = {
    "arm-none-eabi": (
        *("-semihosting-config", "enable=on,target=native"),
        *("-serial", "none"),
    ),
    "riscv64-unknown-elf": ("-serial", "stdio"),
}
_PLATFORM = {
    "arm-none-eabi": ("--specs=nano.specs", "--specs=nosys.specs"),
    "riscv64-unknown-elf": ("-Wl,--no-warn-rwx-segments",),
}


def build_for_core(
    folder: Path, sources: Mapping[str, str], board: Board, flags: Sequence[str] = ("-O2",)
) -> Path:
    """Compiles `sources` (file name -> text; `int main(void)` in one of them), warnings being
    errors, for the board's core; for the one that `flags` name where they name one."""
    other = any(flag.startswith("-mcpu") for flag in flags)
    for name, text in sources.items():
        (folder / name).write_text(text)
    regions = {region.kind: region.origin for region in reversed(board.memory.regions)}
    elf = folder / "program.elf"
    command = [
        f"{board.build.toolchain}-gcc",
        *(() if other else board.build.cpu_flags),
        *("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", *flags),
        *("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-nostartfiles"),
        *_PLATFORM[board.build.toolchain],
        f"-T{HERE / 'core.ld'}",
        f"-Wl,--defsym=FLASH_START={regions['flash']},--defsym=RAM_START={regions['ram']}",
        f"-DFPGAIO={board.build.defines.get('EK_FPGAIO_BASE', 0)}u",
        *("-I", str(resource_dir("firmware") / "runtime"), "-I", str(folder), "-I", str(HERE)),
        str(HERE / _START[board.build.toolchain]),
        *(str(folder / name) for name in sources if name.endswith(".c")),
        *("-o", str(elf)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return elf


def run_on_core(elf: Path, board: Board) -> str:
    """What the program writes until it exits."""
    assert board.emulator is not None
    done = subprocess.run(
        [
            *(board.emulator.program, "-M", board.emulator.machine, *board.emulator.args),
            *("-nographic", "-monitor", "none", "-icount", f"shift={board.emulator.icount_shift}"),
            *_OUTPUT[board.build.toolchain],
            *("-kernel", str(elf)),
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.stdout + done.stderr


def instructions(ticks: int, board: Board) -> float:
    """Instructions that `ticks` of the board's counter stand for."""
    assert board.emulator is not None and board.emulator.icount_shift is not None
    return ticks / board.time.clock_hz * 1e9 / 2**board.emulator.icount_shift


def flash_bytes(elf: Path, board: Board) -> int:
    """Bytes that the program takes in flash, without what every such program holds to start and to
    write: code, constants and initial values, as `arm-none-eabi-size` counts them."""
    done = subprocess.run(
        [f"{board.build.toolchain}-nm", "-S", "--defined-only", str(elf)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    sizes = [line.split() for line in done.stdout.splitlines()]
    start = ("core_", "reset", "fault", "vectors", "semihost", "main", "fill", "tell", "hash")
    return sum(
        int(size, 16)
        for _, size, kind, name in (row for row in sizes if len(row) == 4)
        if kind in "tTrRdD" and not name.startswith(start)
    )


# Core -> the emulated board that stands for it.
CORES = {
    "cortex-m0plus": "qemu-mps2-an385-m0plus",
    "cortex-m3": "qemu-mps2-an385",
    "cortex-m4": "qemu-mps2-an386",
    "cortex-m7": "qemu-mps2-an500",
    "cortex-m33": "qemu-mps2-an505",
    "cortex-m55": "qemu-mps3-an547",
    "rv32": "qemu-virt-rv32",
}


def core_board(core: str = "cortex-m4") -> Board:
    """The emulated board of a core."""
    return load_board(CORES[core])
