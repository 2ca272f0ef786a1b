# SPDX-License-Identifier: Apache-2.0
"""The image for a real Nucleo-F446RE, unchanged, in the STM32F405 that QEMU has: another USART than
the emulated board's, and an oscillator that never starts."""

from pathlib import Path

import pytest

from edgekit.boards import load_board
from edgekit.link.emulator import open_command
from tests.fakes.app_build import TINY_MODEL, TINY_SHA256, build_app

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]

HSI_HZ = 16_000_000  # RM0390, RCC: the internal oscillator, from which the chip starts


def test_a_clock_that_does_not_start_is_not_claimed(tmp_path: Path) -> None:
    """QEMU has no RCC, so HSE never gets ready. The firmware answers all the same, over USART2, and
    gives the rate of what it runs on, not the 180 MHz that its board file expects."""
    board = load_board("nucleo-f446re")
    elf = build_app(board, tmp_path, TINY_MODEL)
    command = ["qemu-system-arm", "-M", "netduinoplus2", "-kernel", str(elf), "-icount", "shift=4"]
    command += ["-display", "none", "-monitor", "none", "-chardev", "stdio,id=uart,signal=off"]
    command += ["-serial", "null", "-serial", "chardev:uart"]  # USART1 and USART2
    with open_command(command, "qemu") as device:
        hello = device.hello(model_sha256=TINY_SHA256)
        assert (hello.board, hello.counter) == ("nucleo-f446re", "systick")
        assert hello.counter_hz == HSI_HZ < board.time.clock_hz
        device.load(0, bytes([1, 2, 3]))
        assert device.run() > 0
        assert device.read_output(0)[:3] == bytes([2, 4, 6])
