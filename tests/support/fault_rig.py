# SPDX-License-Identifier: Apache-2.0
"""Samples through a line that errs to a real firmware, and whether each came through right."""

from __future__ import annotations

import os
import subprocess
import termios
import threading
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.boards import Board
from edgekit.errors import EdgekitError
from edgekit.link.device import Device
from edgekit.link.emulator import native_command, open_port, qemu_command
from edgekit.measure.harness import Run, run_samples
from edgekit.tflite.graph import Graph, Tensor
from tests.fakes.app_build import build_app
from tests.support.fault_line import FaultLine

MODEL = Path(__file__).parents[1] / "fakes" / "counting_model.c"
SHA256 = "fedcba9876543210" * 4
COUNT = 1100
# Requests of one sample: LOAD, SAMPLE, READ; an answer to each.
FRAMES_OF_A_SAMPLE = 6
GRAPH = Graph(
    "counting",
    (
        Tensor(0, "x", (1, COUNT), "uint8"),
        Tensor(1, "runs", (1,), "int32"),
        Tensor(2, "y", (1, COUNT), "uint8"),
    ),
    (),
    (0,),
    (1, 2),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run over a faulty line ended. `wrong` is "" or what was lost or changed unnoticed;
    `error` the error that ended it early, with `samples` confirmed before."""

    wrong: str
    error: str
    samples: int
    frames: int
    injected: dict[str, int]
    stats: dict[str, int] = field(default_factory=dict)
    interrupted: tuple[str, ...] = ()
    seconds: float = 0.0


class Firmware:
    """The counting model's firmware in a process that can be started anew on the same wire."""

    def __init__(self, board: Board, elf: Path) -> None:
        emulator = board.emulator
        assert emulator is not None
        native = emulator.program == "native"
        self.command = native_command(elf) if native else qemu_command(emulator, elf)
        self.wire, self.end = os.openpty()
        as_it_is(self.end)
        self.process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        with self._lock:
            self.process = subprocess.Popen(
                self.command, stdin=self.wire, stdout=self.wire, stderr=subprocess.DEVNULL
            )

    def restart(self) -> None:
        self.stop()
        self.start()

    def stop(self) -> None:
        with self._lock:
            if self.process is not None:
                self.process.kill()
                self.process.wait()

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


def as_it_is(fd: int) -> None:
    """No byte becomes another, also after QEMU has turned output processing on again."""
    tty.setraw(fd)
    modes = termios.tcgetattr(fd)
    modes[1] &= ~termios.ONLCR
    termios.tcsetattr(fd, termios.TCSANOW, modes)


def build(board: Board, folder: Path, *, sanitize: bool = False) -> Path:
    """The counting model's ELF for a board."""
    return build_app(board, folder, MODEL, sanitize=sanitize)


def inputs(samples: int, seed: int) -> np.ndarray:
    """Random samples `[samples, COUNT]`."""
    return np.random.default_rng(seed).integers(0, 256, (samples, COUNT), np.uint8)


def expected(x: np.ndarray) -> np.ndarray:
    """What the counting model makes of them."""
    i = np.arange(COUNT)
    return ((3 * x.astype(int) + x[:, (7 * i + 1) % COUNT].astype(int) + i) & 255).astype(np.uint8)


@contextmanager
def faulty(
    board: Board,
    elf: Path,
    kinds: Sequence[str],
    rate: float,
    seed: int,
    **options: Any,
) -> Iterator[tuple[Device, FaultLine, Firmware]]:
    """A device behind a line that errs. `options` are FaultLine's and open_port's."""
    firmware = Firmware(board, elf)
    line_options = {"rates": options.pop("rates", False)}
    firmware.start()
    try:
        with (
            FaultLine(
                firmware.end, kinds, rate, seed, restart=firmware.restart, **line_options
            ) as line,
            open_port(line.path(), board.serial.baud, find=line.path, **options) as device,
        ):
            yield device, line, firmware
    finally:
        firmware.stop()
        os.close(firmware.wire)
        os.close(firmware.end)


class _Counting:
    """A device that counts the samples it has confirmed."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.samples = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.device, name)

    def sample(self, data: Sequence[bytes]) -> tuple[int, list[bytes]]:
        result = self.device.sample(data)
        self.samples += 1
        return result


def try_line(
    board: Board,
    elf: Path,
    kinds: Sequence[str],
    rate: float,
    seed: int,
    *,
    samples: int,
    timeout_s: float = 2.0,
) -> Outcome:
    """So many samples by the harness over a faulty line, held against what they should give."""
    x = inputs(samples, seed)
    began = time.monotonic()
    run, error = None, ""
    with faulty(board, elf, kinds, rate, seed, timeout_s=timeout_s) as (device, line, firmware):
        counting = _Counting(device)
        try:
            device.hello(model_sha256=SHA256)
            run = run_samples(counting, GRAPH, [x], warmup=0)  # type: ignore[arg-type]
        except EdgekitError as failed:
            error = f"{type(failed).__name__}: {failed}"
        alive, stats = firmware.alive, device.stats
    wrong = _wrong(run, x) if run is not None else ""
    return Outcome(
        wrong=wrong if alive else "the firmware died",
        error=error,
        samples=counting.samples,
        frames=line.frames,
        injected=dict(line.injected),
        stats={name: getattr(stats, name) for name in stats.__slots__},
        interrupted=run.interrupted if run is not None else (),
        seconds=round(time.monotonic() - began, 1),
    )


def _wrong(run: Run, x: np.ndarray) -> str:
    """What is not as it should be: "" where every sample came once, in order, right."""
    runs, y = run.outputs
    if y.shape != x.shape or len(run.ticks) != len(x):
        return f"{len(y)} outputs of {len(x)} samples"
    bad = np.flatnonzero((y != expected(x)).any(axis=1))
    if bad.size:
        return f"sample {bad[0]} and {bad.size - 1} others have other outputs"
    cut = {int(words.split()[1].rstrip(":")) for words in run.interrupted}
    steps = np.diff(runs.reshape(-1).astype(int))
    twice = [i + 1 for i in np.flatnonzero(steps != 1) if i + 1 not in cut]
    return f"sample {twice[0]} was not run once" if twice else ""
