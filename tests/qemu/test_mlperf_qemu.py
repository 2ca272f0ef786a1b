# SPDX-License-Identifier: Apache-2.0
"""The text protocol on emulated boards by this computer's clock; their ports for any program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

import edgekit
from edgekit.boards import load_board
from edgekit.errors import EdgekitError
from edgekit.link.emulator import open_port
from edgekit.link.text import TextDevice, open_text
from tests.support.boards import board_params
from tests.support.task_models import task_firmware, task_model

M4 = "qemu-mps2-an386"
# one for each way to count: FPGAIO, SysTick, TIMER0, mcycle
BOARDS = board_params(
    load_board(name) for name in (M4, "qemu-netduinoplus2", "qemu-microbit", "qemu-virt-rv32")
)


@pytest.fixture(scope="module")
def m4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return task_firmware("kws01", tmp_path_factory.mktemp("m4"), M4)


@pytest.mark.parametrize("board", BOARDS)
def test_every_answer_is_the_hosts(board: str, tmp_path: Path) -> None:
    project = task_firmware("kws01", tmp_path, board)
    record = edgekit.mlperf(project, mode="accuracy", files=6)
    found = record.accuracy
    assert found is not None and (found.agree, found.files) == (6, 6)
    assert (record.kind, record.device) == ("emulated", f"edgekit {board}")


@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
def test_floats_and_pixels_on_a_core_without_floats(tmp_path: Path) -> None:
    """ad01's quantization and error, by the compiler's library for a Cortex-M3."""
    project = task_firmware("ad01", tmp_path, "qemu-mps2-an385")
    found = edgekit.mlperf(project, mode="accuracy", files=2).accuracy
    assert found is not None and found.agree == 2


@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
def test_its_clock_is_this_computers(m4: Path) -> None:
    """Both see the same second, whichever of them is the busier."""
    with open_text(load_board(M4), m4 / "build" / "firmware.elf") as device:
        device.timestamp_us()
        before_s, first_us = time.monotonic(), device.timestamp_us()
        after_s = time.monotonic()
        time.sleep(1.0)
        later_s, second_us = time.monotonic(), device.timestamp_us()
        last_s = time.monotonic()
    elapsed_s = (second_us - first_us) / 1e6
    # QEMU's timers may be late by some milliseconds
    assert later_s - after_s - 0.05 <= elapsed_s <= last_s - before_s + 0.05


@contextmanager
def serving(project: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "edgekit", "serve", str(project), "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            record = json.loads(process.stdout.readline())
            yield process, record["port"]
        finally:
            process.kill()


@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
def test_a_served_port_is_opened_again_and_again(m4: Path, tmp_path: Path) -> None:
    link = tmp_path / "ttyBoard"
    link.symlink_to(tmp_path / "gone")  # left over
    with serving(m4, "--link", str(link)) as (process, path):
        assert link.readlink() == Path(path)
        for opened in (path, str(link)):
            with serial.Serial(opened, timeout=0.1, exclusive=True) as port:
                assert port.read(1) == b""
                assert TextDevice(port).name() == f"edgekit {M4}"
            with open_port(str(link), 115200) as device:
                assert device.hello().board == M4
        record = edgekit.mlperf(m4, port=path, mode="accuracy", files=2)
        assert record.accuracy is not None and record.accuracy.agree == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert not link.is_symlink() and not Path(path).exists()


@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
def test_what_cannot_be_served_is_said(m4: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(EdgekitError, match="cannot be given"):
        edgekit.serve(m4, link=tmp_path / "file", seconds=0.1)
    assert (tmp_path / "file").read_text() == "mine"
    said: list[edgekit.verbs.serve.ServeRecord] = []
    record = edgekit.serve(m4, icount=True, seconds=0.1, ready=said.append)
    assert said == [record] and not record.real_time


@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
def test_the_official_runner_takes_it(root: Path, shared: Path) -> None:
    """MLCommons' main.py as it is, in accuracy mode; MLPERF_RUNNER names its folder."""
    if not os.environ.get("MLPERF_RUNNER"):
        pytest.skip("MLPERF_RUNNER does not name benchmark/runner of mlcommons/tiny")
    command = [sys.executable, root / "benchmarks" / "mlperf_runner.py"]
    options = ["--task", "ic01", "--mode", "a", "--files", "10"]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("skipped"):
        pytest.skip(done.stdout.strip())
    assert "ulp-mlperf: Top 1% = " in done.stdout and "ulp-mlperf: AUC = " in done.stdout


@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
@pytest.mark.skipif(not os.environ.get("TFLM_DIR"), reason="TFLM_DIR is not set")
def test_tflite_micro_speaks_it_too(tmp_path: Path) -> None:
    model = task_model("kws01", tmp_path / "kws.tflite")
    edgekit.firmware(model, board=M4, runtime="tflm", mlperf="auto", out=tmp_path / "fw")
    edgekit.build(tmp_path / "fw")
    record = edgekit.mlperf(tmp_path / "fw", mode="accuracy", files=3)
    assert record.accuracy is not None and record.accuracy.agree == 3
    assert record.runtime == "tflm"
