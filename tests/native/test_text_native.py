# SPDX-License-Identifier: Apache-2.0
"""MLPerf Tiny's text protocol in the firmware's own code, with sanitizers, over a pty."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import serial

import edgekit
from edgekit.boards import load_board
from edgekit.errors import DeviceError
from edgekit.link.device import Device
from edgekit.link.frame import encode_frame
from edgekit.link.messages import BY_NAME
from edgekit.link.text import READY, TextDevice, open_text
from edgekit.tflite.reader import read_graph
from edgekit.verbs._mlperf_golden import Judge, as_sent
from edgekit.verbs._mlperf_task import BY_ID
from tests.support.task_models import task_firmware, task_model

TASKS = tuple(BY_ID)


class Projects(dict[str, Path]):
    """Task -> built firmware, made when first asked for."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        super().__init__()
        self._folders = folders

    def __missing__(self, task: str) -> Path:
        folder = self._folders.mktemp(task)
        self[task] = task_firmware(task, folder, "native", sanitize=True)
        return self[task]


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Projects:
    return Projects(tmp_path_factory)


@pytest.fixture
def port(projects: Projects) -> Iterator[serial.Serial]:
    """The kws01 firmware's line, raw."""
    master, slave = os.openpty()
    with serial.Serial(os.ttyname(slave), timeout=0.1, write_timeout=5, exclusive=True) as opened:
        process = subprocess.Popen(
            [projects["kws01"] / "build" / "firmware.elf"], stdin=master, stdout=master
        )
        os.close(master)
        os.close(slave)
        yield opened
        assert process.poll() is None  # no sanitizer has ended it
        process.kill()
        process.wait()


@pytest.fixture
def device(port: serial.Serial) -> TextDevice:
    return TextDevice(port)


def said(port: serial.Serial, text: bytes) -> list[str]:
    """What comes for `text` up to "m-ready", as it is."""
    port.write(text)
    wait_until = time.monotonic() + 10
    got = b""
    while not got.endswith(b"m-ready\r\n"):
        assert time.monotonic() < wait_until, got
        got += port.read(max(1, port.in_waiting))
    return got.decode().split("\r\n")[:-1]


def test_it_says_nothing_unasked(port: serial.Serial) -> None:
    assert port.read(1) == b""
    assert said(port, b"name%") == ["m-name-dut-[edgekit native]", READY]
    assert port.read(1) == b""


def test_who_and_when(port: serial.Serial, device: TextDevice) -> None:
    assert device.name() == "edgekit native"
    profile = said(port, b"profile%")
    assert profile == [
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
        "m-model-[kws01]",
        READY,
    ]
    assert device.task() == "kws01"
    first = device.timestamp_us()
    assert device.timestamp_us() > first > 0
    known = " ".join(device.command("help"))
    for command in ("name", "profile", "timestamp", "db load", "db print", "infer", "results"):
        assert command in known


def test_microseconds_are_those_of_this_computer(device: TextDevice) -> None:
    before_us = time.monotonic_ns() // 1000
    now_us = device.timestamp_us()
    assert before_us <= now_us <= time.monotonic_ns() // 1000


@pytest.mark.parametrize("task_id", TASKS)
def test_results_are_the_goldens(projects: Projects, task_id: str, tmp_path: Path) -> None:
    """Inputs over the whole range, each run several times: no run may see another's leavings."""
    project, task = projects[task_id], BY_ID[task_id]
    model = next((project / "model").glob("*.tflite"))
    graph = read_graph(model)
    judge = Judge(task, graph, model)
    rng = np.random.default_rng(3)
    with open_text(load_board("native"), project / "build" / "firmware.elf") as device:
        assert device.task() == task_id
        for _ in range(1 if task.values > 5000 else 2):
            quantized = rng.integers(-128, 128, graph.tensor(graph.inputs[0]).shape)
            sent = as_sent(task, graph, quantized.astype(np.int8))
            device.load(sent)
            found = device.infer(3, 1, timeout_s=20)
            assert judge.agrees(sent, found.results), (found.results, judge.results(sent))
            assert device.results() == found.results
            assert device.infer(1, 0, timeout_s=20).results == found.results


def test_floats_beyond_the_input_are_clipped(projects: Projects) -> None:
    project, task = projects["ad01"], BY_ID["ad01"]
    model = project / "model" / "ad01.tflite"
    judge = Judge(task, read_graph(model), model)
    values = np.linspace(-300, 300, task.values, dtype="<f4")
    values[::40] = 0.2  # half of a step: away from zero
    with open_text(load_board("native"), project / "build" / "firmware.elf") as device:
        device.load(values.tobytes())
        assert judge.agrees(values.tobytes(), device.infer(1, 0, timeout_s=20).results)
        device.load(np.full(task.values, np.inf, "<f4").tobytes())
        assert device.infer(1, 0, timeout_s=20).results == (float("inf"),)
        device.load(np.full(task.values, np.nan, "<f4").tobytes())
        assert np.isnan(device.infer(1, 0, timeout_s=20).results[0])


def test_infer_counts_and_defaults(port: serial.Serial, device: TextDevice) -> None:
    device.load(bytes(490))
    assert said(port, b"infer 7 2%")[:3] == ["m-warmup-start-2", "m-warmup-done", "m-infer-start-7"]
    lines = said(port, b"infer%")
    assert lines[:3] == ["m-warmup-start-10", "m-warmup-done", "m-infer-start-1"]
    assert lines[3].startswith("m-lap-us-") and lines[4].startswith("m-lap-us-")
    assert lines[5] == "m-infer-done" and lines[6].startswith("m-results-[")
    values = lines[6][len("m-results-[") : -1].split(",")
    assert len(values) == 12 and all(len(value.split(".")[1]) == 3 for value in values)
    assert sum(map(float, values)) == pytest.approx(1, abs=0.01)


REFUSED = [
    (b"bogus%", "e-[Unknown command: bogus]"),
    (b"bogus 1 2%", "e-[Unknown command: bogus]"),
    (b"NAME%", "e-[Unknown command: NAME]"),
    (b"na\xffme\x80%", "e-[Unknown command: na?me?]"),
    (b"db%", "e-[Command 'db' requires a subcommand]"),
    (b"db load%", "e-[Command 'db load' requires a number of bytes above 0]"),
    (b"db load 0%", "e-[Command 'db load' requires a number of bytes above 0]"),
    (b"db load -1%", "e-[Command 'db load' requires a number of bytes above 0]"),
    (b"db load 4294967297%", "e-[Command 'db load' requires a number of bytes above 0]"),
    (b"db load 491%", "e-[There is room for 490 bytes]"),
    (b"db 00%", "e-[No bytes are expected: 'db load N' comes first]"),
    (b"db print x%", "e-[Command 'db print' takes numbers]"),
    (b"infer 0%", "e-[Inference iterations must be a number above 0]"),
    (b"infer -3%", "e-[Inference iterations must be a number above 0]"),
    (b"infer 1 w%", "e-[Inference warmup must be a number from 0 on]"),
    (b"infer 1 0%", "e-[Loaded are 0 bytes, an input has 490]"),
    (b"results%", "e-[There is no result before an inference]"),
    (b"x" * 81 + b"%", "e-[The command has more than 80 characters]"),
    (b"name " + b"y" * 5000 + b"%", "e-[The command has more than 80 characters]"),
]


@pytest.mark.parametrize(
    ("text", "answer"), REFUSED, ids=[t[:20].decode("latin1") for t, _ in REFUSED]
)
def test_refused_with_reason_and_ready(port: serial.Serial, text: bytes, answer: str) -> None:
    assert said(port, text) == [answer, READY]
    assert said(port, b"name%") == ["m-name-dut-[edgekit native]", READY]


def test_a_line_may_have_eighty_characters(port: serial.Serial) -> None:
    assert said(port, b"x" * 80 + b"%") == [f"e-[Unknown command: {'x' * 80}]", READY]


def test_line_ends_and_empty_commands_are_nothing(port: serial.Serial) -> None:
    assert said(port, b"%%\r\n%\n  name  %") == ["m-name-dut-[edgekit native]", READY]
    assert said(port, b"\r\nna\r\nme%\r\n") == ["m-name-dut-[edgekit native]", READY]
    assert port.read(1) == b""


def test_loads_in_parts(port: serial.Serial, device: TextDevice) -> None:
    assert said(port, b"db load 5%") == ["m-[Expecting 5 bytes]", READY]
    assert said(port, b"db 00fF%") == [READY]
    assert said(port, b"db 1%") == ["e-[Insufficient number of hex digits]", READY]
    assert said(port, b"db 010g%") == ["e-[Invalid hex digit]", READY]
    assert said(port, b"db print%") == ["m-buffer-00-ff", READY]
    # what is more than was announced is passed over
    assert said(port, b"db 1122334455%") == ["m-load-done", READY]
    assert said(port, b"db print%") == ["m-buffer-00-ff-11-22-33", READY]
    assert said(port, b"db print 2 3%") == ["m-buffer-22-33", READY]
    assert said(port, b"db 66%") == ["e-[No bytes are expected: 'db load N' comes first]", READY]
    assert said(port, b"infer 1 0%") == ["e-[Loaded are 5 bytes, an input has 490]", READY]
    device.load(bytes(range(200)) + bytes(290))
    assert said(port, b"db print 10%") == [
        "m-buffer-00-01-02-03-04-05-06-07",
        "m-buffer-08-09",
        READY,
    ]
    # a load that is refused leaves nothing of the one before
    assert said(port, b"db load 9999%")[0].startswith("e-")
    assert said(port, b"infer 1 0%") == ["e-[Loaded are 0 bytes, an input has 490]", READY]


def test_frames_and_text_on_one_line(port: serial.Serial, device: TextDevice) -> None:
    framed = Device(port)
    sent = np.arange(490, dtype=np.uint8).astype(np.int8).tobytes()
    for _ in range(3):
        assert framed.hello().model_name == "kws01"
        assert device.name() == "edgekit native"
        device.load(sent)
        found = device.infer(2, 0, timeout_s=20)
        framed.load(0, sent)
        assert framed.run() > 0
        real = (np.frombuffer(framed.read_output(0), np.int8).astype(int) + 128) / 256
        assert np.abs(real - np.array(found.results)).max() <= 0.0005


def test_half_a_command_ends_with_a_frames_zero(port: serial.Serial, device: TextDevice) -> None:
    port.write(b"infer 100000000")
    assert Device(port).hello().board == "native"
    assert device.name() == "edgekit native"


def test_half_a_frame_ends_by_itself(port: serial.Serial, device: TextDevice) -> None:
    """A host of text sends no zeros: after a second of silence it is heard again."""
    framed = Device(port)
    framed.hello()
    port.write(encode_frame(BY_NAME["hello"].number, 7, bytes(4))[:9])
    time.sleep(1.2)
    assert said(port, b"name%") == ["m-name-dut-[edgekit native]", READY]
    assert framed.hello().board == "native"


def test_it_survives_anything(port: serial.Serial, device: TextDevice) -> None:
    rng = random.Random(11)
    words = [b"db ", b"load ", b"infer ", b"%", b"print ", b"results", b"7f" * 20, b"\0", b"\x03"]
    for _ in range(150):
        noise = b"".join(rng.choice([*words, rng.randbytes(9)]) for _ in range(20))
        port.write(noise.replace(b"infer", b"infra"))
        port.reset_input_buffer()
    port.write(b"\0")
    time.sleep(0.3)
    port.reset_input_buffer()
    assert device.name() == "edgekit native"
    assert Device(port).hello().board == "native"


def test_without_it_text_is_noise(tmp_path: Path) -> None:
    model = task_model("kws01", tmp_path / "kws.tflite")
    edgekit.firmware(model, board="native", out=tmp_path / "fw")
    assert not list((tmp_path / "fw" / "app").glob("ek_text*"))
    assert "EK_TEXT" not in (tmp_path / "fw" / "ek_board.h").read_text()
    edgekit.build(tmp_path / "fw")
    elf = tmp_path / "fw" / "build" / "firmware.elf"
    with (
        open_text(load_board("native"), elf) as device,
        pytest.raises(DeviceError, match="no answer to 'name%'"),
    ):
        device.command("name", timeout_s=0.3)
