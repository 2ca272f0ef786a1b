# SPDX-License-Identifier: Apache-2.0
"""Ports that are not to be had at once, that go away, and that carry something else."""

from __future__ import annotations

import errno
import os
import threading
import tty
from collections.abc import Iterator

import pytest
import serial

from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.link import reenumerate, transport
from edgekit.link.device import Device
from edgekit.link.diagnosis import diagnose
from edgekit.link.frame import encode_frame
from edgekit.link.ports import SerialPort
from edgekit.link.transport import open_serial


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    """A pty: its far end, and the near one's name."""
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_that_another_program_holds_for_a_moment(line: tuple[int, str]) -> None:
    held = serial.Serial(line[1], exclusive=True)
    threading.Timer(0.3, held.close).start()
    with open_serial(line[1], 115_200):
        pass


def test_who_holds_a_port_is_named(line: tuple[int, str]) -> None:
    with (
        serial.Serial(line[1], exclusive=True),
        pytest.raises(DeviceError, match=rf"\(process {os.getpid()}\) uses it") as caught,
    ):
        open_serial(line[1], 115_200, patience_s=0.1)
    assert caught.value.hint


def test_modem_manager_has_a_hint_of_its_own(
    line: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_holder", lambda _: "ModemManager (process 7)")
    with serial.Serial(line[1], exclusive=True), pytest.raises(DeviceError) as caught:
        open_serial(line[1], 115_200, patience_s=0.0)
    assert "edgekit doctor" in caught.value.hint


@pytest.mark.parametrize("refusals", [2, 1000])
def test_rights_that_udev_has_not_given_yet(
    refusals: int, line: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = serial.serial_for_url, [refusals]

    def refused(*args: object, **options: object) -> serial.SerialBase:
        if left[0]:
            left[0] -= 1
            raise serial.SerialException(errno.EACCES, "Permission denied")
        return real(*args, **options)

    monkeypatch.setattr(serial, "serial_for_url", refused)
    if refusals < 10:
        open_serial(line[1], 115_200, patience_s=2.0).close()
        return
    with pytest.raises(DeviceError, match=r"may not use it \(tried for 0.3 s\)") as caught:
        open_serial(line[1], 115_200, patience_s=0.3)
    assert "dialout" in caught.value.hint


def test_a_usb_port_is_found_by_its_serial_number(
    line: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was ttyACM0 and is another now; a second board of the same kind is none of ours."""
    monkeypatch.setattr(reenumerate, "STABLE_S", 0.0)
    before = SerialPort("/dev/ttyACM0", 0x2341, 0x805A, "OURS")
    listed = [before]
    again = reenumerate.reopener("/dev/ttyACM0", 115_200, ports=lambda: listed, timeout_s=5.0)
    listed[:] = [
        SerialPort("/dev/ttyACM0", 0x2341, 0x805A, "ANOTHER"),
        SerialPort(line[1], 0x2341, 0x805A, "OURS"),
    ]
    port = again()
    assert port.name == line[1]


def test_a_port_that_does_not_come_back_is_named() -> None:
    again = reenumerate.reopener("/dev/nowhere", 115_200, timeout_s=0.2)
    with pytest.raises(DeviceTimeout, match=r"no return of the port /dev/nowhere within 0.2 s"):
        again()


CASES = [
    (b"", "silent", "silent"),
    (b"\0\0\0", "silent", "silent"),
    (b"ets Jul 29 2019\r\nrst:0x1 (POWERON_RESET)\r\nwaiting for download\r\n", "loader", "loader"),
    (b"\x1f\x1f\x79", "loader", "STM32"),
    (b"\r\nMicroPython v1.22\r\n>>> ", "text", "MicroPython"),
    (b"m-init-done\r\nm-ready\r\n", "text", "MLPerf Tiny"),
    (b"temperature: 21\r\ntemperature: 22\r\n", "text", "another program"),
    (bytes(range(120, 250, 3)), "noise", "115200 baud"),
    (encode_frame(0xFE, 0, b"\3abc"), "frames", "frames came"),
]


@pytest.mark.parametrize(("heard", "kind", "words"), CASES)
def test_what_a_line_carried_is_told_in_a_sentence(heard: bytes, kind: str, words: str) -> None:
    found = diagnose(heard, 115_200)
    assert found.kind == kind and words in found.words and found.hint


def test_the_sentence_is_in_the_error(line: tuple[int, str]) -> None:
    with open_serial(line[1], 115_200) as port:
        os.write(line[0], b"waiting for download\r\n")
        with pytest.raises(DeviceTimeout, match="the board waits in its loader") as caught:
            Device(port, timeout_s=0.1, baud=10**7).hello()
    assert "edgekit flash" in caught.value.hint
