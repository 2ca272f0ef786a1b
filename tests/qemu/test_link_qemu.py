# SPDX-License-Identifier: Apache-2.0
"""The same app on emulated boards: every chip port that QEMU has a chip for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.boards import Board, load_board
from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.link.device import Device
from edgekit.link.emulator import open_board, open_command, qemu_command
from edgekit.link.messages import BY_NAME, REPLY
from tests.fakes.app_build import TINY_MODEL, TINY_SHA256, build_app
from tests.fakes.wire import open_wire
from tests.support.boards import board_params, emulated

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]

# those that hold the tiny model's 9000 bytes
BOARDS = board_params(emulated(least_ram_bytes=13_500))
BY_SYSTICK = board_params(
    board for board in emulated(least_ram_bytes=13_500) if board.time.counter == "systick"
)
M4 = "qemu-mps2-an386"
A = bytes(i % 50 for i in range(3000))
B = bytes(i % 27 for i in range(3000))
OUT = bytes((2 * a + b) & 127 for a, b in zip(A, B, strict=True))
SPIN_INSTRUCTIONS = 200_000
LONG_SPINS = 60


class Elfs(dict[str, Path]):
    """Board -> the tiny model's ELF, built when first asked for."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        super().__init__()
        self._folders = folders

    def __missing__(self, name: str) -> Path:
        self[name] = build_app(load_board(name), self._folders.mktemp(name), TINY_MODEL)
        return self[name]


@pytest.fixture(scope="module")
def elfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    yield Elfs(tmp_path_factory)


@pytest.fixture
def m4(elfs: dict[str, Path]) -> Iterator[Device]:
    with open_board(load_board(M4), elfs[M4], run_timeout_s=5.0) as device:
        yield device


def instructions(ticks: int, device: Device, board: Board) -> float:
    assert board.emulator is not None and board.emulator.icount_shift is not None
    return ticks / device.hello().counter_hz * 1e9 / 2**board.emulator.icount_shift


@pytest.mark.parametrize("name", BOARDS)
def test_the_whole_conversation(name: str, elfs: dict[str, Path]) -> None:
    board = load_board(name)
    with open_board(board, elfs[name]) as device:
        hello = device.hello(model_sha256=TINY_SHA256)
        assert (hello.board, hello.counter) == (name, board.time.counter)
        assert hello.counter_hz == board.time.clock_hz
        device.load(0, A)
        device.load(1, B)
        assert device.run() > 0
        assert device.read_output(0) == OUT
        memory = device.memory()
        stack_bytes = board.build.defines["EK_STACK_BYTES"]
        assert 100 < memory.stack_used_bytes < memory.stack_reserved_bytes == stack_bytes
        assert device.reset().same_firmware(hello)
        assert device.read_input(0)[:8] == bytes(8)


@pytest.mark.parametrize("name", BOARDS)
def test_a_loop_of_known_length_counts_right(name: str, elfs: dict[str, Path]) -> None:
    """Both figures hold one tick of uncertainty each; a tick is less than half an instruction."""
    with open_board(load_board(name), elfs[name]) as device:
        counts = []
        for first_byte in (b"\x84", b"\x83", b"\x84", b"\x83"):  # spin, nothing, ...
            device.load(0, first_byte)
            counts.append(instructions(device.run(), device, load_board(name)))
        spin = counts[0] - counts[1]
        assert spin == pytest.approx(counts[2] - counts[3], abs=1.0)
        # at most the few instructions around the loop
        assert SPIN_INSTRUCTIONS <= spin + 1.0 < SPIN_INSTRUCTIONS + 12


@pytest.mark.parametrize("name", BY_SYSTICK)
def test_a_long_run_loses_no_wrap_of_the_counter(name: str, elfs: dict[str, Path]) -> None:
    """12 million instructions: SysTick wraps twice or more meanwhile. Its interrupt is in the
    count, and so are a few instructions around each spin."""
    with open_board(load_board(name), elfs[name]) as device:
        device.load(0, b"\x86")
        long = instructions(device.run(), device, load_board(name))
        assert LONG_SPINS * SPIN_INSTRUCTIONS <= long < LONG_SPINS * (SPIN_INSTRUCTIONS + 12) + 500


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("qemu-netduinoplus2", "usage fault"),
        ("qemu-lm3s6965evb", "usage fault"),
        ("qemu-microbit", "hard fault"),
        pytest.param(
            "qemu-virt-rv32",
            "usage fault",
            marks=[pytest.mark.needs_riscv, pytest.mark.needs_qemu_riscv],
        ),
    ],
)
def test_every_port_reports_a_fault(name: str, words: str, elfs: dict[str, Path]) -> None:
    with open_board(load_board(name), elfs[name], run_timeout_s=5.0) as device:
        device.load(0, b"\x81")
        with pytest.raises(DeviceError, match=f"fault at 0x[0-9a-f]+: {words}"):
            device.run()


def test_ops_one_by_one_take_as_long_as_the_whole(m4: Device) -> None:
    m4.load(0, A)
    m4.load(1, B)
    whole = m4.run()
    parts = m4.profile()
    assert len(parts) == 4
    assert sum(parts) == pytest.approx(whole, rel=0.001)
    m4.run_ops(0, 1)
    assert m4.read_arena(6000, 3) == bytes(2 * a for a in A[:3])


@pytest.mark.parametrize(
    ("first_byte", "words"),
    [(b"\x81", "fault at 0x[0-9a-f]+: usage fault"), (b"\x82", "fault at 0x0: stack overflow")],
)
def test_a_fault_is_reported(m4: Device, first_byte: bytes, words: str) -> None:
    m4.load(0, first_byte)
    with pytest.raises(DeviceError, match=words):
        m4.run()


def test_a_run_that_never_ends(elfs: dict[str, Path]) -> None:
    with open_board(load_board(M4), elfs[M4], run_timeout_s=0.5) as device:
        device.load(0, b"\x85")
        with pytest.raises(DeviceTimeout, match="'run' from /dev/pts"):
            device.run()


def test_qemu_killed_in_the_middle_of_a_run(elfs: dict[str, Path]) -> None:
    emulator = load_board(M4).emulator
    assert emulator is not None
    with open_command(qemu_command(emulator, elfs[M4]), "qemu", run_timeout_s=20.0) as device:
        device.load(0, b"\x85")
        killer = threading.Timer(0.2, lambda: os.kill(_child("qemu-system-arm"), signal.SIGKILL))
        killer.start()
        with pytest.raises(DeviceError, match="qemu was killed by SIGKILL: it said nothing"):
            device.run()
        killer.join()


def _child(name: str) -> int:
    """The process of ours with that name."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        stat = (entry / "stat").read_text(errors="replace")
        program, _, rest = stat.partition("(")[2].rpartition(")")
        if int(rest.split()[1]) == os.getpid() and name.startswith(program):
            return int(entry.name)
    raise AssertionError(f"no child called {name}")


def test_qemu_that_does_not_start(elfs: dict[str, Path]) -> None:
    emulator = load_board(M4).emulator
    assert emulator is not None
    command = qemu_command(emulator, elfs[M4].with_name("missing.elf"))
    with (
        pytest.raises(DeviceError, match=r"ended with status 1: .*missing\.elf"),
        open_command(command, "qemu") as device,
    ):
        device.hello()


def test_noise_half_frames_and_repeats(elfs: dict[str, Path]) -> None:
    emulator = load_board(M4).emulator
    assert emulator is not None
    memory = BY_NAME["memory"].number
    with open_wire(qemu_command(emulator, elfs[M4])) as wire:
        wire.open_session(4)
        good = wire.request("memory", 5)
        answers = wire.ask(b"\xff\x07noise\0" + good[:4] + b"\0" + good + good, frames=4)
        assert [(f.kind, f.request_id) for f in answers] == [
            (0xFF, 0),
            (0xFF, 0),
            (memory | REPLY, 5),
            (memory | REPLY, 5),
        ]
        assert answers[2] == answers[3]
