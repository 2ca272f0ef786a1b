# SPDX-License-Identifier: Apache-2.0
"""The host's side of MLPerf Tiny's text protocol, on ports that are made up."""

from __future__ import annotations

import pytest

from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.link.text import TextDevice


class Line:
    """A port on which each command gets the next of the answers."""

    name = "line"

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.waiting = b""
        self.sent = b""

    @property
    def in_waiting(self) -> int:
        return len(self.waiting)

    def read(self, size: int = 1, /) -> bytes:
        data, self.waiting = self.waiting[:size], self.waiting[size:]
        return data

    def write(self, data: bytes, /) -> int:
        self.sent += data
        if data.endswith(b"%") and self.answers:
            self.waiting += self.answers.pop(0).encode()
        return len(data)


def test_a_refusal_is_said_in_the_devices_words() -> None:
    device = TextDevice(Line("e-[No such thing]\r\nm-ready\r\n"))
    with pytest.raises(DeviceError, match=r"refused 'infer 1 0': No such thing"):
        device.infer(1, 0, timeout_s=1)


def test_silence_names_what_was_asked() -> None:
    with pytest.raises(DeviceTimeout, match=r"no answer to 'timestamp%' from line within 0\.05 s"):
        TextDevice(Line()).command("timestamp", timeout_s=0.05)


class Banner(Line):
    """Says `before` first, as some firmware does, and answers like a device after it."""

    def __init__(self, before: str) -> None:
        super().__init__()
        self.before = before

    def write(self, data: bytes, /) -> int:
        command = data.decode().rstrip("%")
        known = {"name": "m-name-dut-[x]", "profile": "m-model-[ic01]"}
        answer = known.get(command, f"e-[Unknown command: {command}]")
        self.waiting += f"{self.before}{answer}\r\nm-ready\r\n".encode()
        self.before = ""
        return len(data)


def test_a_banner_does_not_shift_the_answers() -> None:
    device = TextDevice(Banner("m-init-done\r\nm-ready\r\n"))
    assert (device.name(), device.task()) == ("x", "ic01")


def test_a_late_answer_does_not_shift_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(Banner):
        def write(self, data: bytes, /) -> int:
            """The first answer comes with the second."""
            held, self.waiting = self.waiting, b""
            super().write(data)
            self.waiting = held + self.waiting
            return len(data)

        @property
        def in_waiting(self) -> int:
            return len(self.waiting) if self.waiting.count(b"m-ready") > 1 - self.caught_up else 0

        caught_up = 0

        def read(self, size: int = 1, /) -> bytes:
            if not self.in_waiting:
                return b""
            self.caught_up = 1
            return super().read(size)

    monkeypatch.setattr("edgekit.link.text.NAME_TIMEOUT_S", 0.05)
    device = TextDevice(Late(""))
    assert (device.name(), device.task()) == ("x", "ic01")


class Deaf(Banner):
    """Loses the first byte of each of the first `commands`, as a UART does before it is set up."""

    def __init__(self, commands: int) -> None:
        super().__init__("")
        self.commands = commands

    def write(self, data: bytes, /) -> int:
        lost = int(self.commands > 0)
        self.commands -= lost
        return super().write(data[lost:]) + lost


def test_a_first_byte_that_is_lost_is_no_refusal() -> None:
    device = TextDevice(Deaf(1))
    assert (device.name(), device.task()) == ("x", "ic01")


def test_a_device_that_never_knows_its_name_is_quoted() -> None:
    with pytest.raises(DeviceError, match="refused 'name': Unknown command: ame"):
        TextDevice(Deaf(9)).name()


def test_what_answers_otherwise_is_no_device_of_mlperf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.link.text.TIMEOUT_S", 0.02)
    with pytest.raises(DeviceTimeout, match="no answer to 'mark-"):
        TextDevice(Line("m-what\r\nm-ready\r\n")).name()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("m-lap-us-5\r\nm-infer-done\r\nm-results-[1.0]\r\nm-ready\r\n", "tell the time"),
        ("m-lap-us-5\r\nm-lap-us-9\r\nm-results-[1.0]\r\nm-ready\r\n", "tell the time"),
        (
            "m-infer-start-1\r\nm-lap-us-5\r\nm-lap-us-9\r\nm-infer-done\r\nm-results-[1.0.0]"
            "\r\nm-ready\r\n",
            "not numbers",
        ),
        (
            "m-infer-start-1\r\nm-lap-us-5\r\nm-lap-us-9\r\nm-infer-done\r\nm-ready\r\n",
            "m-results-",
        ),
    ],
)
def test_a_garbled_answer_is_no_result(answer: str, words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        TextDevice(Line(answer)).infer(1, 0, timeout_s=1)


def test_a_load_that_is_not_confirmed_is_an_error() -> None:
    line = Line("m-[Expecting 40 bytes]\r\nm-ready\r\n", "m-ready\r\n", "m-ready\r\n")
    with pytest.raises(DeviceError, match="40 bytes are loaded"):
        TextDevice(line).load(bytes(range(40)))
    first, second = bytes(range(31)).hex(), bytes(range(31, 40)).hex()
    assert line.sent == f"db load 40%db {first}%db {second}%".encode()
