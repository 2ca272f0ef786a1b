# SPDX-License-Identifier: Apache-2.0
"""The inside of `mlperf`: windows long enough to count, and files that are right."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from edgekit.errors import DeviceError, EdgekitError
from edgekit.link.text import Inference, TextDevice
from edgekit.progress import Progress
from edgekit.verbs._mlperf_data import File, Files
from edgekit.verbs._mlperf_golden import Judge
from edgekit.verbs._mlperf_task import Task

# The official rules: five windows, each on another input, of 10 s and 10 inferences at least
# (mlcommons/tiny: benchmark/runner, and EnergyRunner's README). Its runner gives up after 30 s.
WINDOWS = 5
LEAST_S, LEAST_ITERATIONS = 10.0, 10
AIM_S = 13.5  # in the middle of 12 to 15 s
RUNNER_PATIENCE_S = 30.0
# A first measurement that the number of inferences is reckoned from.
_PROBE_S = 0.5
_ATTEMPTS = 3
# Both clocks see the same window, one of them through a serial line.
_CLOCKS_APART = 0.05
_SLOWEST_S = 300.0


@dataclass(frozen=True, slots=True)
class Window:
    """One `infer` command of the performance mode; `host_s` is the same by this computer."""

    file: str
    iterations: int
    elapsed_s: float
    host_s: float
    throughput: float
    results: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Performance:
    """Five windows; `throughput` is the median in inferences per second, `latency_ms` 1000 over
    it. `clock_ratio` is the device's seconds over this computer's, median of the windows."""

    iterations: int
    warmup: int
    windows: tuple[Window, ...]
    throughput: float
    latency_ms: float
    clock_ratio: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """`top1` in 0..1, or for ad01 `auc`; the other is None. `agree` files have the host's results
    to three decimals. `truth` says where the labels are from; with generated inputs they say
    nothing of the model, and `target`, the closed division's, is None. `golden` is who answered
    on the host."""

    files: int
    top1: float | None
    auc: float | None
    target: float | None
    agree: int
    truth: str
    golden: str


def run_performance(
    device: TextDevice, task: Task, files: Files, progress: Progress
) -> Performance:
    """Windows of 12 to 15 s with as many inferences each; anew with more where one was too short.

    Raises DeviceError where the two clocks disagree, EdgekitError where no number of inferences
    gives five windows that count.
    """
    inputs = list(files.files[:WINDOWS])
    if len(inputs) < WINDOWS:
        raise EdgekitError(
            f"{len(inputs)} files are not enough: each of {WINDOWS} windows has its own input",
            hint=f"ask for more: --files {WINDOWS}",
        )
    iterations = _choose(device, task, inputs[0])
    for _ in range(_ATTEMPTS):
        progress.say(f"{WINDOWS} windows of {iterations} inferences")
        windows = _windows(device, task, inputs, iterations, progress)
        shortest = min(window.elapsed_s for window in windows)
        if shortest >= LEAST_S:
            return _performance(iterations, task, windows)
        iterations = ceil(iterations * AIM_S / shortest)
    raise EdgekitError(
        f"a window of {shortest:.1f} s is too short, {LEAST_S:g} s are needed, and more "
        "inferences did not help",
        hint="the emulator's speed changes with what else this computer does: let it be idle",
    )


def _choose(device: TextDevice, task: Task, file: File) -> int:
    """Inferences for a window of AIM_S, from one that took long enough to be measured."""
    device.load(file.windows(task)[0])
    count = 1
    while True:
        found = device.infer(count, 1, timeout_s=_SLOWEST_S)
        each_s = max(found.elapsed_us, 1) / 1e6 / count
        if found.elapsed_us >= _PROBE_S * 1e6:
            return max(LEAST_ITERATIONS, ceil(AIM_S / each_s))
        count = max(2 * count, ceil(2 * _PROBE_S / each_s)) if found.elapsed_us else 100 * count


def _windows(
    device: TextDevice, task: Task, files: Sequence[File], iterations: int, progress: Progress
) -> list[Window]:
    windows = []
    with progress.task("windows", total=len(files)) as bar:
        for file in files:
            device.load(file.windows(task)[0])
            timeout_s = 10 * AIM_S + _SLOWEST_S
            found = device.infer(iterations, task.warmup, timeout_s=timeout_s)
            windows.append(_window(file, found))
            bar.advance(note=f"{windows[-1].throughput:.3f} inferences/s")
            if windows[-1].elapsed_s < LEAST_S:
                break
    return windows


def _window(file: File, found: Inference) -> Window:
    elapsed_s = found.elapsed_us / 1e6
    apart_s = abs(elapsed_s - found.host_s)
    # a window too short to count is no judge of clocks either
    if apart_s > _CLOCKS_APART * found.host_s and max(elapsed_s, found.host_s) > 1:
        raise DeviceError(
            f"the device counted {elapsed_s:.2f} s where {found.host_s:.2f} s passed here",
            hint="its clock is not what the board file says; on an emulator, -icount does this",
        )
    throughput = found.iterations / elapsed_s
    return Window(file.name, found.iterations, elapsed_s, found.host_s, throughput, found.results)


def _performance(iterations: int, task: Task, windows: Sequence[Window]) -> Performance:
    throughput = statistics.median(window.throughput for window in windows)
    ratio = statistics.median(window.elapsed_s / window.host_s for window in windows)
    return Performance(
        iterations, task.warmup, tuple(windows), throughput, 1000 / throughput, ratio
    )


def run_accuracy(device: TextDevice, judge: Judge, files: Files, progress: Progress) -> Accuracy:
    """Every file once, its results held against the label and against the host's."""
    task, scores, labels, agree = judge.task, [], [], 0
    with progress.task("files", total=len(files.files)) as bar:
        for file in files.files:
            found, same = _run_file(device, judge, file)
            scores.append(found)
            labels.append(file.label)
            agree += same
            bar.advance()
    by_error = task.convention == "float32"
    hits = sum(
        max(range(len(s)), key=s.__getitem__) == y for s, y in zip(scores, labels, strict=True)
    )
    return Accuracy(
        files=len(labels),
        top1=None if by_error else hits / len(labels),
        auc=area_under_curve([s[0] for s in scores], labels) if by_error else None,
        target=task.target if files.real else None,
        agree=agree,
        truth=files.truth,
        golden=f"{judge.by} {judge.version}",
    )


def _run_file(device: TextDevice, judge: Judge, file: File) -> tuple[list[float], bool]:
    """The mean of the results over the windows of a file, and whether all are the host's."""
    results, same = [], True
    for sent in file.windows(judge.task):
        device.load(sent)
        found = device.infer(1, 0, timeout_s=_SLOWEST_S).results
        same = same and judge.agrees(sent, found)
        results.append(found)
    return [statistics.fmean(column) for column in zip(*results, strict=True)], same


def area_under_curve(scores: Sequence[float], labels: Sequence[int]) -> float | None:
    """Area under the ROC curve by ranks: how often a file of class 1 scores above one of class 0,
    ties counting half (Mann-Whitney's U over the number of pairs). None with one class only."""
    ones = [score for score, label in zip(scores, labels, strict=True) if label]
    zeros = [score for score, label in zip(scores, labels, strict=True) if not label]
    if not ones or not zeros:
        return None
    wins = sum((one > zero) + (one == zero) / 2 for one in ones for zero in zeros)
    return wins / (len(ones) * len(zeros))
