# SPDX-License-Identifier: Apache-2.0
"""The firmware's own code as a process of this computer, with sanitizers, over a pty."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgekit.boards import Board, load_board
from edgekit.errors import DeviceError
from edgekit.link import messages
from edgekit.link.device import Device
from edgekit.link.emulator import native_command, open_board, open_command
from edgekit.link.frame import PROTOCOL_VERSION, Frame, cobs_encode, encode_frame
from edgekit.link.messages import BY_NAME, ERROR, REPLY
from tests.fakes.app_build import TINY_MODEL, TINY_SHA256, build_app
from tests.fakes.wire import Wire, open_wire

A = bytes(i % 50 for i in range(3000))
B = bytes(i % 27 for i in range(3000))
OUT = bytes((2 * a + b) & 127 for a, b in zip(A, B, strict=True))


@pytest.fixture(scope="module")
def board() -> Board:
    return load_board("native")


@pytest.fixture(scope="module")
def elf(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_app(board, tmp_path_factory.mktemp("native"), TINY_MODEL, sanitize=True)


@pytest.fixture
def device(board: Board, elf: Path) -> Iterator[Device]:
    with open_board(board, elf, run_timeout_s=10.0) as opened:
        yield opened


@pytest.fixture
def wire(elf: Path) -> Iterator[Wire]:
    with open_wire(native_command(elf)) as opened:
        yield opened


def test_the_whole_conversation(device: Device) -> None:
    hello = device.hello(model_sha256=TINY_SHA256)
    assert (hello.model_name, hello.board, hello.runtime) == ("tiny", "native", "aot")
    assert (hello.counter, hello.counter_hz) == ("clock-monotonic", 10**9)
    assert hello.has_arena and hello.has_invoke_op
    inputs, outputs = device.tensors()
    assert [t.shape for t in inputs] == [(1, 3000), (1, 1000, 3)]
    assert (outputs[0].dtype, outputs[0].scale, outputs[0].zero_point) == ("int8", 0.125, 5)
    device.load(0, A)
    device.load(1, B)
    assert device.run() > 0
    assert device.read_output(0) == OUT
    assert len(device.profile()) == 4
    device.run_ops(0, 1)
    assert device.read_arena(6000, 3) == bytes(2 * a for a in A[:3])
    assert device.read_input(1) == B
    memory = device.memory()
    assert memory.arena_bytes == 9000
    assert 0 < memory.stack_used_bytes < memory.stack_reserved_bytes


def test_reset_starts_anew(device: Device) -> None:
    before = device.hello()
    device.load(0, A)
    after = device.reset()
    assert after.boot_id != before.boot_id
    assert after.same_firmware(before)
    assert device.read_input(0) == bytes(3000)


def test_the_empty_app(board: Board, tmp_path: Path) -> None:
    with open_board(board, build_app(board, tmp_path, sanitize=True)) as device:
        assert device.tensors() == ([], [])
        assert device.run() >= 0
        assert device.profile() == []
        with pytest.raises(DeviceError, match="cannot do that"):
            device.run_ops(0, 0)


def test_what_the_firmware_refuses(device: Device) -> None:
    refusals = [
        (lambda: device.load(2, b"x"), "no tensor or op with index 2"),
        (lambda: device.load(0, bytes(3001)), "beyond the 3000 bytes"),
        (lambda: device.run_ops(0, 4), "no tensor or op with index 4"),
        (lambda: device.run_ops(3, 2), "no tensor or op with index 2"),
        (lambda: device.read_arena(8999, 2), "beyond the 9000 bytes"),
        (lambda: device.read_arena(2**32 - 1, 2), "beyond the 9000 bytes"),
        (lambda: device.read_output(1), "no tensor or op with index 1"),
    ]
    for call, words in refusals:
        with pytest.raises(DeviceError, match=words):
            call()


def test_a_model_that_fails(device: Device) -> None:
    device.load(0, b"\x80")
    with pytest.raises(DeviceError, match="status -7: invoke"):
        device.run()
    device.load(0, A)
    assert device.run() > 0


def test_a_process_that_dies_says_how(device: Device) -> None:
    device.load(0, b"\x81")
    with pytest.raises(DeviceError, match=r"was killed by SIG|ended with status") as caught:
        device.run()
    assert caught.value.exit_code == 4


def test_last_words_are_passed_on() -> None:
    script = "import sys; sys.stderr.write('first\\nout of luck\\n'); sys.exit(3)"
    with (
        pytest.raises(DeviceError, match=r"mock ended with status 3: first \| out of luck"),
        open_command([sys.executable, "-c", script], "mock") as device,
    ):
        device.hello()


def test_damaged_frames_are_answered_at_once(wire: Wire) -> None:
    wire.open_session(4)
    good = wire.request("memory", 5)
    for bad in (b"\x01\x02\x03", good[:-3], bytes([good[0]]) + good[2:-1], b"\xff" * 5000):
        (frame,) = wire.ask(bad + b"\0", frames=1)
        assert (frame.kind, frame.request_id) == (ERROR.number, 0)
        assert _error(frame)["code"] == 1
    (frame,) = wire.ask(good, frames=1)
    assert frame.kind == BY_NAME["memory"].number | REPLY


def test_a_repeated_id_repeats_the_answer(wire: Wire) -> None:
    wire.open_session(76)
    run = wire.request("run", 77)
    first, second, third = wire.ask(run * 3, frames=3)
    assert first == second == third
    again = wire.ask(wire.request("run", 78), frames=1)[0]
    assert again.request_id == 78


def test_a_late_request_is_not_served(wire: Wire) -> None:
    """A fault kept an old LOAD back: it must not spoil the input of the sample after it."""
    wire.open_session(65_530)
    old = wire.request("load", 65_531, {"index": 0, "offset": 0, "data": b"old"})
    new = wire.request("load", 3, {"index": 0, "offset": 0, "data": b"new"})  # ids go over zero
    wire.ask(old, frames=1)
    wire.ask(new, frames=1)
    read = wire.request("read", 4, {"space": 0, "index": 0, "offset": 0, "length": 3})
    (frame,) = wire.ask(old + read, frames=1)
    assert (frame.request_id, frame.payload) == (4, b"new")


def test_nothing_is_served_outside_of_a_session(wire: Wire) -> None:
    (refused,) = wire.ask(wire.request("run", 9), frames=1)
    assert _error(refused)["code"] == 11 and refused.request_id == 9
    wire.open_session(10)
    mine = wire.session
    wire.session ^= 1
    (refused,) = wire.ask(wire.request("run", 11), frames=1)
    assert _error(refused)["code"] == 11 and refused.session == wire.session
    wire.session = mine
    (frame,) = wire.ask(wire.request("run", 11), frames=1)
    assert frame.kind == BY_NAME["run"].number | REPLY


def test_a_hello_that_is_late_opens_no_session(wire: Wire) -> None:
    hello = wire.request("hello", 20, {"nonce": 77})
    (first,) = wire.ask(hello, frames=1)
    (again,) = wire.ask(hello, frames=1)
    assert again == first
    wire.session = first.session
    (memory,) = wire.ask(wire.request("memory", 21), frames=1)
    (run,) = wire.ask(hello + wire.request("run", 22), frames=1)
    assert memory.session == run.session == first.session and run.request_id == 22
    other = wire.request("hello", 23, {"nonce": 78})
    (second,) = wire.ask(other, frames=1)
    values = messages.unpack(BY_NAME["hello"].reply, second.payload)
    before = messages.unpack(BY_NAME["hello"].reply, first.payload)
    assert second.session != first.session and values["boot_id"] == before["boot_id"]


def test_wrong_versions_kinds_and_lengths(wire: Wire) -> None:
    (frame,) = wire.ask(encode_frame(1, 1, version=PROTOCOL_VERSION + 1), frames=1)
    assert (_error(frame)["code"], _error(frame)["detail"]) == (2, PROTOCOL_VERSION)
    body = bytes([2, 1, 7, 0])
    old = cobs_encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0"
    (frame,) = wire.ask(old, frames=1)
    assert (_error(frame)["code"], _error(frame)["detail"]) == (2, PROTOCOL_VERSION)
    wire.open_session(1)
    cases = [
        (99, b"", (3, 99)),
        (BY_NAME["read"].number, b"abc", (4, 3)),
        (BY_NAME["load"].number, b"abcde", (4, 5)),
        (BY_NAME["sample"].number, b"abcde", (4, 5)),
        (BY_NAME["baud"].number, b"abcde", (4, 5)),
        (BY_NAME["tensor"].number, b"\x02\0\0", (5, 0)),
    ]
    for number, (kind, payload, expected) in enumerate(cases, 2):
        request = encode_frame(kind, number, payload, session=wire.session)
        error = _error(wire.ask(request, frames=1)[0])
        assert (error["code"], error["detail"]) == expected


def test_any_bytes_leave_it_standing(wire: Wire) -> None:
    rng = random.Random(7)
    wire.open_session(1)
    kinds = [m.number for m in BY_NAME.values() if m.name not in ("reset", "hello")]
    for number in range(2, 400):
        payload = rng.randbytes(rng.choice([0, 1, 3, 4, 6, 11, 12, 300, 1024]))
        kind = rng.choice([*kinds, 0, 200])
        frame = encode_frame(kind, number, payload, session=wire.session)
        wire.send(frame if rng.random() < 0.7 else rng.randbytes(rng.randrange(40)) + b"\0")
    last = wire.request("hello", 65535, {"nonce": 5})
    frames = wire.until(last, lambda f: f.request_id == 65535)
    assert messages.unpack(BY_NAME["hello"].reply, frames[-1].payload)["board"] == "native"


def test_frames_of_every_length_agree_with_the_hosts(wire: Wire) -> None:
    """COBS' edges lie at runs of 254; the echo is LOAD and then READ."""
    rng = random.Random(3)
    wire.open_session(1)
    number = 1
    for length in [1, 252, 253, 254, 255, 256, 507, 508, 509, 762, 1018]:
        for data in (bytes(length), b"\x55" * length, rng.randbytes(length)):
            load = {"index": 0, "offset": 0, "data": data}
            read = {"space": 0, "index": 0, "offset": 0, "length": length}
            wire.ask(wire.request("load", number + 1, load), frames=1)
            number += 2
            (frame,) = wire.ask(wire.request("read", number, read), frames=1)
            assert frame.payload == data


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_running(how: signal.Signals, elf: Path, tmp_path: Path) -> None:
    """Neither after Ctrl-C nor when edgekit itself is killed."""
    script = (
        "import faulthandler, signal; from pathlib import Path\n"
        "from edgekit.boards import load_board\n"
        "from edgekit.link.emulator import open_board\n"
        "faulthandler.dump_traceback_later(20)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"with open_board(load_board('native'), Path({str(elf)!r})) as device:\n"
        "    device.load(0, b'\\x85'); print('ready', flush=True); device.run()\n"
    )
    said = tmp_path / "stderr.txt"
    with said.open("w") as errors:
        host = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=errors
        )
    with host, host.stdout:  # type: ignore[union-attr]
        assert host.stdout is not None and host.stdout.readline() == b"ready\n"
        time.sleep(0.1)  # it is in the run by then
        host.send_signal(how)
        try:
            host.wait(timeout=30)
        except subprocess.TimeoutExpired:
            host.kill()
            pytest.fail(f"edgekit went on after {how.name}:\n{said.read_text()}")
    assert _gone(elf), f"the app outlived {how.name}"


def _gone(elf: Path) -> bool:
    """Whether no process runs `elf`, given a moment."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        links = (p / "exe" for p in Path("/proc").iterdir() if p.name.isdigit())
        if not any(_target(link) == str(elf) for link in links):
            return True
        time.sleep(0.02)
    return False


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _error(frame: Frame) -> dict[str, Any]:
    assert frame.kind == ERROR.number
    return messages.unpack(ERROR.reply, frame.payload)
