# SPDX-License-Identifier: Apache-2.0
"""The host's side against a device that errs by plan."""

from __future__ import annotations

import pytest

from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.link.device import Device
from edgekit.link.emulator import open_port
from edgekit.link.transport import open_serial
from tests.fakes.device import INPUT_BYTES, FakeDevice

DATA = bytes(i % 251 for i in range(INPUT_BYTES))
RECOVERED = (
    "silence",
    "half",
    "noise",
    "bad_crc",
    "twice",
    "slow",
    "damaged",
    "log",
    "stale",
)


def device(fake: FakeDevice, **options: float) -> Device:
    return Device(fake.port, **{"timeout_s": 0.5, "run_timeout_s": 5.0, **options}, baud=10**7)


@pytest.mark.parametrize("fault", RECOVERED)
@pytest.mark.parametrize("at", [0, 1, 5])
def test_one_fault_is_overcome(fault: str, at: int) -> None:
    with FakeDevice((*["good"] * at, fault)) as fake:
        client = device(fake)
        client.hello()
        client.load(0, DATA)
        assert client.run() == 1 << 40
        assert client.read_output(0) == DATA
        assert fake.served.count("run") == 1


def test_every_answer_spoiled_once() -> None:
    with FakeDevice(RECOVERED * 2) as fake:
        client = device(fake, timeout_s=0.2)
        client.hello()
        client.load(0, DATA)
        assert bytes(fake.memory) == DATA
        assert client.logs == ["warm", "warm"]


def test_profile_in_pages() -> None:
    with FakeDevice() as fake:
        assert device(fake).profile() == list(range(60))
        assert fake.served.count("profile") == 2


def test_tensors_and_memory() -> None:
    with FakeDevice() as fake:
        inputs, outputs = device(fake).tensors()
        assert len(inputs) == len(outputs) == 1
        assert inputs[0].name == "Grüße"
        assert (inputs[0].dtype, inputs[0].shape) == ("int8", (1, INPUT_BYTES))
        assert device(fake).memory().stack_used_bytes == 2


def test_silence_is_named_and_ends() -> None:
    with FakeDevice(("silence",) * 50) as fake:
        with pytest.raises(DeviceTimeout, match=r"'hello' from /dev/pts/\d+ within") as caught:
            device(fake).hello()
        assert caught.value.exit_code == 4
        assert caught.value.hint


def test_a_line_that_damages_everything_is_named() -> None:
    with (
        FakeDevice(("damaged",) * 50) as fake,
        pytest.raises(DeviceError, match="damages what is sent"),
    ):
        device(fake, timeout_s=5.0).hello()


def test_a_port_that_vanishes() -> None:
    with FakeDevice(("good", "vanish")) as fake:
        client = device(fake)
        client.hello()
        with pytest.raises(DeviceError, match="went away"):
            client.run()


def test_another_protocol_version() -> None:
    with (
        FakeDevice(("other_version",)) as fake,
        pytest.raises(DeviceError, match="protocol version 9, this edgekit 3"),
    ):
        device(fake).hello()


def test_another_model() -> None:
    with FakeDevice() as fake:
        device(fake).hello(model_sha256="AB" * 32)
        with pytest.raises(DeviceError, match=r"another model: 'fake' \(abababababab\)"):
            device(fake).hello(model_sha256="cd" * 32)


def test_a_counter_that_does_not_move_is_refused_by_name() -> None:
    with FakeDevice(counter_hz=0) as fake:
        client = device(fake)
        assert client.hello().counter_hz == 0
        for measure in (client.run, client.profile):
            with pytest.raises(DeviceError, match="'fake-counter' on fake-board does not move"):
                measure()


def test_a_refusal_is_passed_on_in_words() -> None:
    with FakeDevice() as fake, pytest.raises(DeviceError, match="beyond the 3000 bytes"):
        device(fake).load(0, DATA + b"x")


def test_a_port_is_held_alone() -> None:
    with (
        FakeDevice() as fake,
        pytest.raises(DeviceError, match="uses it"),
        open_port(fake.path, 115200),
    ):
        pass


@pytest.mark.parametrize("url", ["/dev/nowhere", "nonsense://x", "socket://127.0.0.1:1"])
def test_a_port_that_cannot_be_opened(url: str) -> None:
    with pytest.raises(DeviceError, match="cannot be opened") as caught:
        open_serial(url, 115200)
    assert caught.value.hint


def test_a_port_given_by_url() -> None:
    with open_serial("loop://", 115200) as port:
        port.write(b"x")
        assert port.read(1) == b"x"
