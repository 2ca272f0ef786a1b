# SPDX-License-Identifier: Apache-2.0
"""MLPerf Tiny's own runner, unmodified, on an emulated board: its result lines.

Builds the published int8 models for the board with the text protocol, has `edgekit mlperf` choose
the number of inferences, makes data in the runner's layout, serves the board on a pty, and starts
the runner's main.py on it in performance and accuracy mode. Skips, with the reason, where the
runner or its Python packages are not there. Neither the runner nor its output is kept.

    git clone https://github.com/mlcommons/tiny
    python -m venv venv && venv/bin/pip install pyserial PyYAML numpy scikit-learn matplotlib pyusb
    python benchmarks/mlperf_runner.py --runner tiny/benchmark/runner --python venv/bin/python

MLPERF_RUNNER and MLPERF_PYTHON can name the two as well. A pty has no USB ids, which the runner
looks for: a start-up file adds the pty to its list of ports, under ids that nobody has.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from common import MLPERF_TINY, conditions, mlperf_model, shared_folder, table

import edgekit
from edgekit.verbs.mlperf import MlperfRecord

# Task -> model of benchmarks/common.py, warm-up runs as in the runner's tests_performance.yaml.
TASKS = {"ic01": ("resnet8", 5), "kws01": ("kws", 10), "vww01": ("vww96", 5), "ad01": ("ad01", 10)}
PACKAGES = "serial, yaml, numpy, sklearn.metrics, matplotlib, usb.core"
VENDOR, PRODUCT = 0xFFFF, 0xE0E0
DATA_SET_FILES, GENERATED_FILES = 200, 48
LIMIT_S = 1800
TRIES = 3
NO_RESPONSE = "No response to command infer"
# Read by the runner's Python before main.py: what a USB adapter would show by itself.
START_UP = f"""
import os
from serial.tools import list_ports, list_ports_common
_before = list_ports.comports
def _with_pty(*arguments, **options):
    port = list_ports_common.ListPortInfo(os.environ["EDGEKIT_PTY"], skip_link_detection=True)
    port.vid, port.pid, port.description = {VENDOR}, {PRODUCT}, "edgekit"
    return [*_before(*arguments, **options), port]
list_ports.comports = _with_pty
"""
DEVICES = f"""- name: edgekit
  type: dut
  baud: 115200
  usb:
    {VENDOR:#06x}: {PRODUCT:#06x}
"""
WANTED = ("Median throughput", "Top 1%", "AUC", "ERROR", "Runtime:", "requirements", "Inferences :")


def reason_to_skip(runner: str, python: str) -> str:
    """Why the runner cannot be started; "" where it can."""
    if not runner:
        return "no runner: --runner or MLPERF_RUNNER names tiny/benchmark/runner"
    if not (Path(runner) / "main.py").is_file():
        return f"'{runner}' holds no main.py"
    try:
        done = subprocess.run([python, "-c", f"import {PACKAGES}"], capture_output=True, text=True)
    except OSError as error:
        return f"'{python}' cannot be started: {error.strerror}"
    return f"{python}: {done.stderr.splitlines()[-1]}" if done.returncode else ""


def build(task: str, board: str, folder: Path) -> Path:
    """The firmware of the task's published model."""
    project = folder / task
    edgekit.firmware(mlperf_model(TASKS[task][0]), board=board, out=project, name=task, mlperf=task)
    edgekit.build(project)
    return project


def data_for(task: str, project: Path, folder: Path, files: int) -> MlperfRecord:
    """CIFAR-10's test images for ic01, generated inputs for the others."""
    source = shared_folder() / "data" / "cifar10_subset.npz" if task == "ic01" else None
    count = files or (DATA_SET_FILES if source else GENERATED_FILES)
    return edgekit.mlperf(
        project, source and str(source), make_data=folder, files=count, mode="accuracy"
    )


@contextlib.contextmanager
def served(project: Path) -> Iterator[str]:
    """The path of the board's port."""
    command = [sys.executable, "-m", "edgekit", "serve", str(project), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["port"]
    finally:
        process.terminate()
        process.wait()


def script(task: str, mode: str, iterations: int) -> str:
    """The runner's tests_performance.yaml or tests_accuracy.yaml, with enough inferences."""
    loop = {"p": ("loop 5", f"infer {iterations} {TASKS[task][1]}"), "a": ("loop", "infer 1 0")}
    repeat, infer = loop[mode]
    watchdog = "\n      - reset 20" if task == "ad01" and mode == "a" else ""
    return (
        f"{task}:\n  name: {task}\n  model: {task}\n  truth_file: y_labels.csv\n  script:\n"
        f"    - {repeat}:\n      - download\n      - {infer}{watchdog}\n"
    )


def run(
    options: argparse.Namespace, task: str, mode: str, port: str, folder: Path, work: Path, n: int
) -> str:
    """What the runner's main.py printed; it runs in `work`, where it leaves its sessions."""
    (work / "sitecustomize.py").write_text(START_UP)
    (work / "devices.yaml").write_text(DEVICES)
    (work / "tests.yaml").write_text(script(task, mode, n))
    command = [options.python, str(Path(options.runner).resolve() / "main.py")]
    command += ["-d", "devices.yaml", "-t", "tests.yaml", "-s", str(folder / "data"), "-m", mode]
    added = {"EDGEKIT_PTY": port, "PYTHONPATH": str(work), "MPLBACKEND": "agg"}
    done = subprocess.run(
        command,
        cwd=work,
        env={**os.environ, **added},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    said = done.stdout + done.stderr
    return said if done.returncode == 0 else f"{said}\nERROR: main.py ended with {done.returncode}"


def try_run(
    options: argparse.Namespace, task: str, mode: str, project: Path, iterations: int
) -> tuple[int, str]:
    """How many inferences it was in the end, and what was printed.

    The runner gives up on a window after 30 s, and takes windows below 10 s without a word. Where
    the computer became busier or idler since the number was chosen, it is tried again with half
    or with twice as many.
    """
    for _ in range(TRIES):
        with served(project) as port, tempfile.TemporaryDirectory() as work:
            said = run(options, task, mode, port, project.parent, Path(work), iterations)
        windows = [float(seconds) for seconds in re.findall(r"Runtime: ([0-9.]+) sec", said)]
        short = bool(windows) and min(windows) < 10
        if mode == "a" or not (short or NO_RESPONSE in said):
            break
        iterations = 2 * iterations if short else iterations // 2
        print(f"{task}: windows of {windows} s; again with {iterations}", file=sys.stderr)
    return iterations, said


def lines_of(said: str) -> list[str]:
    """The runner's result lines, without what it repeats as it goes."""
    lines = [line.strip() for line in said.splitlines()]
    summary = lines[lines.index(20 * "-") :] if 20 * "-" in lines else lines[-3:]
    return [line for line in summary if any(word in line for word in WANTED)]


def value_of(lines: list[str], word: str) -> str:
    found = [line.split(word)[1].strip(" =is").split()[0] for line in lines if word in line]
    return found[-1] if found else "-"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runner", default=os.environ.get("MLPERF_RUNNER", ""))
    parser.add_argument("--python", default=os.environ.get("MLPERF_PYTHON", sys.executable))
    parser.add_argument("--board", default="qemu-mps2-an386")
    parser.add_argument("--task", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--mode", nargs="*", default=["p", "a"], choices=["p", "a"])
    parser.add_argument("--files", type=int, default=0, help="for accuracy")
    options = parser.parse_args()
    if reason := reason_to_skip(options.runner, options.python):
        print(f"skipped: {reason}")
        return 0
    rows, good = [], True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for task in options.task:
            row, fine = judge(options, task, folder)
            rows.append(row)
            good = good and fine
    print(
        f"\n{conditions()}; {options.board} in QEMU without -icount: no figure of a board's speed"
    )
    head = ("task", "model", "N", "edgekit inf/s", "runner inf/s", "runner top 1 %", "runner AUC")
    print(table(head, rows))
    return 0 if good else 1


def judge(options: argparse.Namespace, task: str, folder: Path) -> tuple[tuple[object, ...], bool]:
    """One row of the table, and whether the runner took everything without an error."""
    project = build(task, options.board, folder)
    data_for(task, project, folder / "data", options.files)
    iterations, throughput = 0, "-"
    if "p" in options.mode:
        found = edgekit.mlperf(project, folder / "data").performance
        assert found is not None
        iterations, throughput = found.iterations, f"{found.throughput:.3f}"
    lines = []
    for mode in options.mode:
        iterations, said = try_run(options, task, mode, project, iterations)
        print(f"{task}, mode {mode}:", *lines_of(said), sep="\n    ")
        lines += lines_of(said)
        if any("ERROR" in line for line in lines):
            print(said[-3000:], file=sys.stderr)
    results = [value_of(lines, word) for word in ("Median throughput", "Top 1%", "AUC")]
    wanted = results[: len(results)] if len(options.mode) == 2 else [max(results)]
    fine = "-" not in wanted and not any("ERROR" in line for line in lines)
    return (task, MLPERF_TINY[TASKS[task][0]], iterations, throughput, *results), fine


if __name__ == "__main__":
    sys.exit(main())
