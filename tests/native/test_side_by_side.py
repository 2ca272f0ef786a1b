# SPDX-License-Identifier: Apache-2.0
"""Several boards at once: what runs beside what, and that one takes no other down."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgekit.errors import DeviceError, EdgekitError, LimitBroken
from edgekit.link.emulator import native_command
from edgekit.progress import SILENT
from edgekit.verbs._side_by_side import BoardRun, Job, LeftOut, run_side_by_side
from edgekit.verbs.bench_boards import BoardsFailed, bench_boards
from edgekit.verbs.build import build
from edgekit.verbs.firmware import firmware
from tests.support.small_models import dense_model

needs_cc = pytest.mark.skipif(
    shutil.which("cc") is None or shutil.which("make") is None,
    reason="no C compiler and make on PATH: apt-get install gcc libc6-dev make",
)


def job(name: str, run: Any, *, alone: bool = False) -> Job:
    return Job(name, "native", "", Path(name), lambda progress: run(), alone=alone)


def failing(error: Exception) -> Any:
    def run() -> None:
        raise error

    return run


def test_each_outcome_is_its_own() -> None:
    done = SimpleNamespace()
    differs = LimitBroken("outputs differ")
    differs.record = done  # type: ignore[attr-defined]
    runs = run_side_by_side(
        [
            job("good", lambda: done),
            job("silent", failing(DeviceError("no answer", hint="plug it in"))),
            job("wrong", failing(differs)),
            job("small", failing(LeftOut(LimitBroken("does not fit")))),
            job("broken", failing(ZeroDivisionError("x"))),
            job("after", lambda: done, alone=True),
        ],
        SILENT,
    )
    assert [(run.label, run.status, run.exit_code) for run in runs] == [
        ("good", "done", 0),
        ("silent", "failed", 4),
        ("wrong", "differs", 1),
        ("small", "left out", 0),
        ("broken", "failed", 2),
        ("after", "done", 0),
    ]
    assert [run.bench is done for run in runs] == [True, False, True, False, False, True]
    assert runs[1].hint == "plug it in" and "ZeroDivisionError" in runs[4].error


def test_no_more_run_at_once_than_there_are_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    lock, now, most, alone = threading.Lock(), [0], [0], []
    meet = threading.Barrier(2, timeout=20)

    def crowded() -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        meet.wait()
        with lock:
            now[0] -= 1

    jobs = [job(str(n), crowded) for n in range(4)]
    jobs.insert(1, job("alone", lambda: alone.append(now[0]), alone=True))
    runs = run_side_by_side(jobs, SILENT)
    assert [run.status for run in runs] == ["done"] * 5
    assert (most[0], alone) == (2, [0])


class _Interrupting:
    """A progress whose bar is where Ctrl-C arrives."""

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Any]:
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        raise KeyboardInterrupt

    def say(self, text: str) -> None:
        pass


def test_ctrl_c_ends_what_still_runs() -> None:
    started, ended = threading.Event(), threading.Event()

    def long(progress: Any) -> None:
        started.set()
        try:
            with progress.task("samples", 1) as task:
                while True:
                    task.advance()
        finally:
            ended.set()

    def first() -> None:
        assert started.wait(20)

    jobs = [Job("long", "b", "", Path(), long), job("first", first)]  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        run_side_by_side(jobs, _Interrupting())
    assert ended.is_set()


@contextmanager
def _running(elf: Path) -> Iterator[str]:
    """The port of a board that runs `elf`."""
    master, slave = os.openpty()
    process = subprocess.Popen(native_command(elf), stdin=master, stdout=master)
    try:
        yield os.ttyname(slave)
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


@pytest.fixture(scope="module")
def fw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boards")
    firmware(dense_model(folder / "small.tflite"), board="native", out=folder / "fw")
    build(folder / "fw")
    return folder / "fw"


@needs_cc
def test_two_ports_run_one_folder(fw: Path, tmp_path: Path) -> None:
    elf = fw / "build" / "firmware.elf"
    with ExitStack() as stack:
        ports = [stack.enter_context(_running(elf)) for _ in range(2)]
        record = bench_boards(fw, ports=ports, out=tmp_path / "out", eval_samples=5)
    assert [(run.port, run.status) for run in record.runs] == [(port, "done") for port in ports]
    assert record.compared is not None and record.report is not None
    body = json.loads((tmp_path / "out" / "boards.json").read_text())
    assert len(body["runs"]) == 2 and body["compared"]["runs"][0]["board"] == "native"
    benches = sorted((tmp_path / "out").glob("*/bench.json"))
    assert len(benches) == 2
    assert not (fw / "bench").exists()


@needs_cc
def test_a_dead_port_takes_no_other_down(fw: Path, tmp_path: Path) -> None:
    gone = "/dev/ttyNOTTHERE"
    with _running(fw / "build" / "firmware.elf") as port, pytest.raises(BoardsFailed) as caught:
        bench_boards(fw, ports=[gone, port], out=tmp_path / "out", eval_samples=5)
    assert caught.value.exit_code == 4
    assert gone in str(caught.value) and caught.value.hint
    good = caught.value.record.runs[1]
    assert isinstance(good, BoardRun) and good.bench is not None and good.bench.bit_exact == 5
    body = json.loads((tmp_path / "out" / "boards.json").read_text())
    assert [run["status"] for run in body["runs"]] == ["failed", "done"]


@needs_cc
def test_several_folders_are_compared(fw: Path, tmp_path: Path) -> None:
    other = tmp_path / "size"
    firmware(fw / "model" / "small.tflite", board="native", out=other, optimize="size")
    build(other)
    record = bench_boards(fw, other, out=tmp_path / "out", eval_samples=5)
    assert record.compared is not None
    assert [run.label for run in record.compared.runs] == ["balanced", "size"]
    assert (fw / "bench" / "bench.json").is_file() and (other / "bench" / "bench.json").is_file()


@pytest.mark.parametrize(
    ("folders", "boards", "ports"),
    [([], [], []), (["a", "b"], ["native"], []), (["a"], ["all"], ["p"]), (["a", "b"], [], ["p"])],
)
def test_what_does_not_go_together(folders: list[str], boards: list[str], ports: list[str]) -> None:
    with pytest.raises(EdgekitError) as caught:
        bench_boards(*folders, boards=boards, ports=ports)
    assert caught.value.hint


@needs_cc
def test_the_command_shows_both_and_exits_with_the_highest(fw: Path, tmp_path: Path) -> None:
    with _running(fw / "build" / "firmware.elf") as port:
        command = ["bench", str(fw), "--port", "/dev/ttyNOTTHERE", "--port", port]
        command += ["--eval-samples", "3", "-o", str(tmp_path / "out"), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "edgekit", *command], capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 4, done.stderr
    assert [run["status"] for run in json.loads(done.stdout)["runs"]] == ["failed", "done"]
    assert done.stderr.startswith("error: 1 of 2 boards failed")
